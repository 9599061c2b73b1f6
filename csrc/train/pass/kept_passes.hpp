// Passes that are kept for the next call: to plan a small one takes as long as to run it.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "runtime/spares.hpp"
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
  // Full batches and a short last one, in training and without; and that much of what their nodes give.
  static constexpr std::size_t most_kept = 4, most_numbers = std::size_t(1) << 19;

  const Network<Real>& network_;
  const UpdateEpilogue none_{};
  Spares<std::pair<PassKind, std::size_t>, Executor<Real>> kept_{most_kept, most_numbers};  // by the network's version
};

}  // namespace gs
