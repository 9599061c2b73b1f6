#include "train/pass/plain_weights.hpp"

#include <cstddef>

namespace gs {

template <class Real> std::vector<std::vector<Weight<Real>>> plain_weights(const Network<Real>& network) {
  std::vector<std::vector<Weight<Real>>> all;
  std::size_t number = 0;
  for (const auto& layer : network.weights) {
    all.emplace_back(layer.size());
    const auto& attributes = network.attributes[all.size() - 1];
    for (std::size_t i = 0; i < layer.size(); ++i) {
      Weight<Real>& weight = all.back()[i];
      weight.w = layer[i];
      weight.attributes = attributes[i];
      if (weight.trainable()) weight.number = number++;
    }
  }
  return all;
}

template std::vector<std::vector<Weight<float>>> plain_weights(const Network<float>&);
template std::vector<std::vector<Weight<double>>> plain_weights(const Network<double>&);

}  // namespace gs
