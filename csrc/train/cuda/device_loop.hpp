// Passes over a data set on a GPU: slices of training steps, or of scores; predictions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/cuda/scores.hpp"
#include "runtime/guard.hpp"
#include "train/cuda/device_network.hpp"
#include "train/loop/train_loop.hpp"
#include "update/stepper.hpp"

namespace gs {

/// The counterpart of TrainLoop, of a chain with one optimizer. Rows lie on the device from `take` on. Weights and the
/// optimizer's state go there when a slice begins, and come back when it ends: between slices they are those in CPU
/// memory, which anybody may read and change.
template <class Real> class DeviceLoop : public Totals {
 public:
  /// stepper: of the one optimizer that trains all weights that are trained; null: rows are scored. Throws
  /// std::invalid_argument if a GPU cannot do it.
  DeviceLoop(const Network<Real>& network, const Scoring& scoring, const Data& data, std::size_t batch_size,
             Stepper* stepper, int device);

  /// Other data from now on; a pass must be started over it.
  void take(const Data& data);
  /// As TrainLoop::start; order, and ids if there are some, have a number for each row of the pass.
  void start(std::vector<std::int64_t> order, std::uint32_t number, const std::vector<std::int64_t>& ids = {});
  /// Runs whole batches, at least one, until `seconds` have passed or a thread waits for the guard. Returns whether
  /// the pass is over. A slice that has longer than 0 is made as long as it takes for copies of weights to be a tenth
  /// of it.
  bool advance(double seconds, const Guard& guard);

  std::size_t steps_of(std::size_t count) const { return (count + batch_size_ - 1) / batch_size_; }
  std::size_t steps_left() const { return steps_of(order_.size() - rows); }
  /// Outputs of the last batch -> to (last_rows(), numbers of the output).
  void read_outputs(Real* to) const;
  std::size_t last_rows() const { return last_; }

 private:
  void step();
  void make_room(std::size_t rows);
  void find_scales(const LossUse& loss);
  void read_totals();

  DeviceChain chain_;
  const Scoring scoring_;
  Data data_;
  const std::size_t batch_size_;
  const int device_;
  const bool trains_, absorbed_;
  DeviceWeights<Real> weights_;
  std::unique_ptr<DeviceNetwork<Real>> network_;
  std::unique_ptr<DeviceMemory> x_, y_;                // the data set
  std::unique_ptr<DeviceMemory> rows_, ids_, scales_;  // of the pass: row, id and scale of each place in its order
  std::unique_ptr<DeviceMemory> values_, outputs_;     // of a batch: scores, and what the last activation gives
  DeviceMemory totals_;                                // sums of the pass
  std::size_t most_ = 0;                               // rows of a batch that there is room for
  std::vector<std::int64_t> order_;
  std::uint32_t number_ = 0;
  std::size_t last_ = 0;
  double copying_ = 0;  // seconds that weights took to come and go
};

/// Outputs of rows [begin, data.rows) -> out (rows, numbers of the output), batch by batch until `seconds` have passed
/// or somebody waits for the guard; how far it got.
template <class Real>
std::size_t device_predict(const Network<Real>& network, const Data& data, Real* out, std::size_t batch_size,
                           std::size_t begin, double seconds, const Guard& guard, int device);

}  // namespace gs
