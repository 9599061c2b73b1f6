#include "train/pass/kept_passes.hpp"

#include <algorithm>
#include <utility>

#include "train/loop/data.hpp"

namespace gs {
namespace {

constexpr std::size_t most_kept = 4;  // as `fit` has, and own loops: full batches and a short last one, of two kinds
constexpr std::size_t most_numbers = std::size_t(1) << 19;  // that the nodes of all give

}  // namespace

template <class Real>
std::unique_ptr<Executor<Real>> KeptPasses<Real>::take(const PassKind& kind, const std::vector<Real*>& gradients) {
  if (std::unique_ptr<Executor<Real>> pass = kept(kind)) {
    if (!gradients.empty()) pass->store_gradients(gradients);
    return pass;
  }
  auto weights = plain_weights(network_);
  for (auto& layer : weights)
    for (auto& weight : layer)
      if (weight.trainable() && !gradients.empty()) weight.gradient = gradients[weight.number];
  std::vector<Scoring> scorings(kind.losses.size());
  for (std::size_t i = 0; i < scorings.size(); ++i) scorings[i].loss = kind.losses[i];
  return std::make_unique<Executor<Real>>(network_, kind.batch, kind.mode, std::move(scorings), std::move(weights),
                                          none_, kind.sources);
}

template <class Real> std::unique_ptr<Executor<Real>> KeptPasses<Real>::kept(const PassKind& kind) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return nullptr;
  const auto found = std::find_if(kept_.begin(), kept_.end(),
                                  [&](const Kept& one) { return one.kind == kind && one.version == network_.version; });
  if (found == kept_.end()) return nullptr;
  std::unique_ptr<Executor<Real>> pass = std::move(found->pass);
  kept_.erase(found);
  return pass;
}

template <class Real> void KeptPasses<Real>::give_back(PassKind kind, std::unique_ptr<Executor<Real>> pass) {
  std::size_t sum = kind.batch * network_.numbers;
  if (sum > most_numbers) return;
  std::vector<Kept> others;  // those that go do so without the lock
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return;
  others.swap(kept_);
  kept_.push_back({std::move(kind), network_.version, std::move(pass)});
  for (Kept& other : others)
    if (kept_.size() < most_kept && (sum += other.kind.batch * network_.numbers) <= most_numbers)
      kept_.push_back(std::move(other));
}

template class KeptPasses<float>;
template class KeptPasses<double>;

}  // namespace gs
