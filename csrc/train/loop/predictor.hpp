// Outputs of a network, batch by batch.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "runtime/guard.hpp"
#include "train/loop/data.hpp"

namespace gs {

/// Small passes are kept, with their memory, for the next call: to plan one takes as long as to run it.
/// Any number of threads may use it at once.
template <class Real> class Predictor {
 public:
  explicit Predictor(const Network<Real>& network) : network_(network) {}

  /// Outputs of rows [begin, data.rows) -> outs, each (rows, numbers of an output), in batches of at most batch_size,
  /// until `seconds` have passed or somebody waits for the guard; how far it got. data: x and rows; the rest is not
  /// read.
  std::size_t advance(const Data& data, const std::vector<Real*>& outs, std::size_t batch_size, std::size_t begin,
                      double seconds, const Guard& guard);

 private:
  struct Prepared {
    std::unique_ptr<Executor<Real>> executor;
    std::vector<Source> sources;
    std::size_t version;  // of the network
  };
  Prepared take(std::size_t batch, const std::vector<Source>& sources);
  void put_back(Prepared pass);

  const Network<Real>& network_;
  const UpdateEpilogue none_{};
  std::mutex mutex_;            // of `kept_`; nobody waits for it
  std::vector<Prepared> kept_;  // used last, first
};

}  // namespace gs
