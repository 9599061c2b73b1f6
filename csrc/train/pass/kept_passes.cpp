#include "train/pass/kept_passes.hpp"

#include <utility>

#include "train/pass/plain_weights.hpp"

namespace gs {

template <class Real>
std::unique_ptr<Executor<Real>> KeptPasses<Real>::take(const PassKind& kind, const std::vector<Real*>& gradients) {
  if (auto pass = kept_.take({kind, network_.version})) {
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

template <class Real> void KeptPasses<Real>::give_back(PassKind kind, std::unique_ptr<Executor<Real>> pass) {
  const std::size_t numbers = kind.batch * network_.numbers;
  kept_.give({std::move(kind), network_.version}, std::move(pass), numbers);
}

template class KeptPasses<float>;
template class KeptPasses<double>;

}  // namespace gs
