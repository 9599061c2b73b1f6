#include "train/tape.hpp"

#include <algorithm>
#include <utility>

#include "train/run.hpp"

namespace gs {
namespace {

// A training loop has full batches and a short last one, in training and in between without.
constexpr std::size_t most_kept = 4;

}  // namespace

template <class Real>
Tape<Real>::Tape(const Network<Real>& network, std::vector<Real*> gradients)
    : network_(network), version_(network.version), weights_(plain_weights(network)) {
  for (auto& layer : weights_)
    for (auto& weight : layer)
      if (weight.trainable()) weight.gradient = gradients[weight.number];
}

template <class Real> Pass<Real>& Tape<Real>::pass(const Batch& batch, Goal goal) {
  const auto fits = [&](const Kept& kept) {
    return kept.pass->batch == batch.rows && kept.goal == goal && kept.source == batch.source;
  };
  const auto found = std::find_if(kept_.begin(), kept_.end(), fits);
  if (found != kept_.end()) {
    std::rotate(kept_.begin(), found, found + 1);
    return *kept_.front().pass;
  }
  auto made = std::make_unique<Pass<Real>>(network_, batch.rows, goal, Scoring{}, weights_, none_, batch.source);
  if (kept_.size() == most_kept) {
    const auto idle = [&](const Kept& kept) { return kept.pass.get() != last_; };
    kept_.erase(std::find_if(kept_.rbegin(), kept_.rend(), idle).base() - 1);
  }
  kept_.insert(kept_.begin(), {std::move(made), goal, batch.source});
  return *kept_.front().pass;
}

template <class Real> Pass<Real>& Tape<Real>::forward(const Batch& batch, Goal goal) {
  if (goal != Goal::predict) last_ = nullptr;  // its memory may be written
  Pass<Real>& now = pass(batch, goal);
  const std::size_t row_size = network_.inputs * item_size(batch.source);
  now.begin(batch.number);
  for (std::size_t i = 0; i < batch.rows; ++i)
    now.set_row(i, batch.ids ? batch.ids[i] : std::int64_t(i), batch.x + i * row_size);
  const bool both = goal == Goal::predict;
  Crew::gather(now.threads(), [&](Crew& crew) { both ? now.run(crew) : now.run_forward(crew); });
  if (!both) last_ = &now;
  return now;
}

template <class Real> Pass<Real>& Tape<Real>::backward() {
  Pass<Real>& now = *std::exchange(last_, nullptr);
  Crew::gather(now.threads(), [&](Crew& crew) { now.run_backward(crew); });
  return now;
}

template class Tape<float>;
template class Tape<double>;

}  // namespace gs
