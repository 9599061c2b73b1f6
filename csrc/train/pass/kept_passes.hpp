// Passes that are kept for the next call: to plan a small one takes as long as to run it.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "train/pass/executor.hpp"

namespace gs {

/// What a pass was planned for.
struct PassKind {
  std::size_t batch;
  Mode mode;
  std::vector<Source> sources;    // (input)
  std::vector<LossUse> losses{};  // (output); none where there is nothing to score

  bool operator==(const PassKind& other) const {
    return batch == other.batch && mode == other.mode && sources == other.sources && losses == other.losses;
  }
};

/// A network's passes that nobody uses now. Any number of threads may take and give back passes at once, and none waits
/// for another.
template <class Real> class KeptPasses {
 public:
  explicit KeptPasses(const Network<Real>& network) : network_(network) {}

  /// One of that kind, whose rows and number are to be set. gradients: where it leaves those of each weight that is
  /// trained, in Mode::train and Mode::gradient.
  std::unique_ptr<Executor<Real>> take(const PassKind& kind, const std::vector<Real*>& gradients = {});
  /// After a run that did not fail. Large ones are not kept.
  void give_back(PassKind kind, std::unique_ptr<Executor<Real>> pass);

 private:
  struct Kept {
    PassKind kind;
    std::size_t version;  // of the network
    std::unique_ptr<Executor<Real>> pass;
  };

  std::unique_ptr<Executor<Real>> kept(const PassKind& kind);

  const Network<Real>& network_;
  const UpdateEpilogue none_{};
  std::mutex mutex_;        // of what follows
  std::vector<Kept> kept_;  // used last, first
};

}  // namespace gs
