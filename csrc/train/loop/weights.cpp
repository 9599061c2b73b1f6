// The weights that a loop over data trains.
#include <memory>

#include "train/loop/train_loop.hpp"

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

template <class Real>
std::vector<std::vector<Weight<Real>>> weights_over(const Network<Real>& network, const Data& data) {
  auto all = plain_weights(network);
  for (const Node& node : network.nodes) {
    if (node.layer == Node::no_layer || node.inputs[0] >= data.x.size()) continue;
    if (data.x[node.inputs[0]].source != Source::sparse) continue;
    Weight<Real>& kernel = all[node.layer][0];
    WeightAttributes by_rows = *kernel.attributes;
    by_rows.by_rows = !by_rows.penalty && !by_rows.follows_steps();
    kernel.attributes = std::make_shared<const WeightAttributes>(by_rows);
  }
  return all;
}

template std::vector<std::vector<Weight<float>>> plain_weights(const Network<float>&);
template std::vector<std::vector<Weight<float>>> weights_over(const Network<float>&, const Data&);
template std::vector<std::vector<Weight<double>>> plain_weights(const Network<double>&);
template std::vector<std::vector<Weight<double>>> weights_over(const Network<double>&, const Data&);

}  // namespace gs
