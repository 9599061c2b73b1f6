// Forward and backward passes of a chain on a GPU.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/cuda/layers.hpp"
#include "kernels/cuda/products.hpp"
#include "train/cuda/device_chain.hpp"
#include "train/cuda/device_weights.hpp"

namespace gs {

/// Rows of a batch: where the data set lies on the device, which of its rows they are, and by which numbers what is
/// random is drawn for them.
struct DeviceBatch {
  const void* x;
  Source source;
  const std::int64_t* rows;
  const std::int64_t* ids;
  std::size_t count;
  std::uint32_t pass;
};

template <class Real> class DeviceNetwork {
 public:
  /// For batches of at most `most` rows. training: whether layers compute as in training; with gradients of weights
  /// that have a place for them.
  DeviceNetwork(const DeviceChain& chain, const DeviceWeights<Real>& weights, std::size_t most, bool training,
                int device);

  /// Both are queued.
  void forward(const DeviceBatch& batch);
  /// From dy() to all gradients.
  void backward(const DeviceBatch& batch);

  const Real* y() const { return outputs_.empty() ? x_ : outputs_.back(); }  // (rows, numbers of the output)
  Real* dy() const { return dy_[0]; }                                        // as y

 private:
  static constexpr Dtype real = sizeof(Real) == 8 ? Dtype::f64 : Dtype::f32;
  struct Values {
    const Real* x = nullptr;  // what the stage read
    Real *y = nullptr, *z = nullptr;
  };
  template <class Take> void lay_out(Take take);
  void dense_forward(const DeviceStage& stage, const Values& values, std::size_t rows);
  void dense_backward(const DeviceStage& stage, const Values& values, std::size_t rows, Real*& d, Real*& other,
                      bool is_first);
  Draw draw_of(const DeviceStage& stage, const DeviceBatch& batch) const;

  const DeviceChain chain_;
  const DeviceWeights<Real>& weights_;
  const std::size_t most_;
  const bool training_;
  std::size_t first_;  // the first stage with weights to train; the number of stages if no stage has any
  const DeviceProducts products_;
  std::unique_ptr<DeviceMemory> memory_;
  Real *x_ = nullptr, *ones_ = nullptr, *dy_[2] = {};
  std::vector<Values> values_;        // (stage)
  std::vector<const Real*> outputs_;  // (stage)
};

}  // namespace gs
