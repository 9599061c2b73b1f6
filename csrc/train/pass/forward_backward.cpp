#include "train/pass/forward_backward.hpp"

#include <algorithm>
#include <utility>

#include "train/pass/plain_weights.hpp"

namespace gs {
namespace {

// A training loop has full batches and a short last one, in training and in between without.
constexpr std::size_t most_kept = 4;

}  // namespace

template <class Real>
ForwardBackward<Real>::ForwardBackward(const Network<Real>& network, std::vector<Real*> gradients)
    : network_(network), version_(network.version), weights_(plain_weights(network)) {
  for (auto& layer : weights_)
    for (auto& weight : layer)
      if (weight.trainable()) weight.gradient = gradients[weight.number];
}

template <class Real> Executor<Real>& ForwardBackward<Real>::executor(const Batch& batch, Mode mode) {
  const auto fits = [&](const Kept& kept) {
    return kept.executor->batch == batch.rows && kept.mode == mode && kept.sources == batch.sources;
  };
  const auto found = std::find_if(kept_.begin(), kept_.end(), fits);
  if (found != kept_.end()) {
    std::rotate(kept_.begin(), found, found + 1);
    return *kept_.front().executor;
  }
  Scoring by_caller;
  by_caller.by_caller = mode != Mode::predict;
  auto made = std::make_unique<Executor<Real>>(network_, batch.rows, mode,
                                               std::vector<Scoring>(network_.outputs.size(), by_caller), weights_,
                                               none_, batch.sources);
  if (kept_.size() == most_kept) {
    const auto idle = [&](const Kept& kept) { return kept.executor.get() != last_; };
    kept_.erase(std::find_if(kept_.rbegin(), kept_.rend(), idle).base() - 1);
  }
  kept_.insert(kept_.begin(), {std::move(made), mode, batch.sources});
  return *kept_.front().executor;
}

template <class Real> Executor<Real>& ForwardBackward<Real>::forward(const Batch& batch, Mode mode) {
  if (mode != Mode::predict) last_ = nullptr;  // its memory may be written
  Executor<Real>& now = executor(batch, mode);
  now.begin(batch.number);
  for (std::size_t i = 0; i < batch.rows; ++i) now.set_id(i, batch.ids ? batch.ids[i] : std::int64_t(i));
  for (std::size_t k = 0; k < batch.x.size(); ++k) {
    const std::size_t row_size = network_.input_size(k) * item_size(batch.sources[k]);
    now.set_rows(k, [=, x = batch.x[k]](std::size_t i) { return x + i * row_size; });
  }
  if (mode == Mode::predict) {
    now.run();
  } else {
    now.run_forward();
    last_ = &now;
  }
  return now;
}

template <class Real> Executor<Real>& ForwardBackward<Real>::backward() {
  Executor<Real>& now = *std::exchange(last_, nullptr);
  now.run_backward();
  return now;
}

template class ForwardBackward<float>;
template class ForwardBackward<double>;

}  // namespace gs
