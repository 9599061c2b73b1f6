// The weights that a loop over data trains.
#include <memory>

#include "train/loop/data.hpp"

namespace gs {

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

template std::vector<std::vector<Weight<float>>> weights_over(const Network<float>&, const Data&);
template std::vector<std::vector<Weight<double>>> weights_over(const Network<double>&, const Data&);

}  // namespace gs
