#include "train/cuda/device_chain.hpp"

#include <algorithm>

#include "kernels/cuda/scores.hpp"

namespace gs {
namespace {

DeviceStage stage_of(const Dense& dense) {
  DeviceStage stage{DeviceStage::Kind::dense, 0, rows_of(dense.shape), dense.in, dense.out};
  stage.use_bias = dense.use_bias;
  stage.activation = dense.activation;
  return stage;
}
DeviceStage stage_of(const Activate& activate) {
  DeviceStage stage{DeviceStage::Kind::activation, 0, rows_of(activate.shape), activate.n, activate.n};
  stage.activation = activate.activation;
  return stage;
}
DeviceStage stage_of(const Dropout& dropout) {
  DeviceStage stage{DeviceStage::Kind::dropout, 0, 1, dropout.n, dropout.n};
  stage.rate = dropout.rate;
  stage.key = dropout.key;
  return stage;
}
DeviceStage stage_of(const Rescaling& rescaling) {
  DeviceStage stage{DeviceStage::Kind::rescaling, 0, 1, rescaling.n, rescaling.n};
  stage.scale = rescaling.scale;
  stage.offset = rescaling.offset;
  return stage;
}

template <class Layer>
constexpr bool is_known = std::is_same_v<Layer, Dense> || std::is_same_v<Layer, Activate> ||
                          std::is_same_v<Layer, Dropout> || std::is_same_v<Layer, Rescaling>;

std::string problem_of(const WeightAttributes& attributes) {
  if (attributes.penalty) return "has a regularizer";
  if (attributes.follows_steps()) return "has a constraint";
  return {};
}

}  // namespace

template <class Real> DeviceProblem device_chain(const Network<Real>& network, DeviceChain& chain) {
  if (network.inputs.size() != 1 || network.outputs.size() != 1) return {"has several inputs or outputs"};
  std::vector<bool> called(network.layers.size());
  for (std::size_t i = 0; i < network.nodes.size(); ++i) {
    const Node& node = network.nodes[i];
    const auto layer = std::ptrdiff_t(node.layer);
    if (node.layer == Node::no_layer) {
      if (node.inputs[0] == i) continue;
      return {"has branches"};
    }
    DeviceProblem problem{{}, layer};
    visit_layer(network.layer_of(node), [&](const auto& own) {
      if constexpr (is_known<std::decay_t<decltype(own)>>)
        chain.stages.push_back(stage_of(own));
      else
        problem.why = "is none of Dense, Activation, Dropout, Rescaling, Flatten and Reshape";
    });
    if (!problem.why.empty()) return problem;
    if (node.inputs[0] != i) return {"has branches"};
    if (called[node.layer]) return {"is called more than once", layer};
    called[node.layer] = true;
    chain.stages.back().layer = node.layer;
    for (const auto& attributes : network.attributes[node.layer])
      if (std::string why = problem_of(*attributes); !why.empty()) return {why, layer};
  }
  if (network.outputs[0] != network.nodes.size()) return {"has layers beside those that give its output"};
  if (network.masks.at(0) != Network<Real>::no_mask) return {"masks its output"};
  const Shape& shape = network.shape(network.outputs[0]);
  chain.input = network.input_size();
  chain.rows = rows_of(shape);
  chain.output = last_of(shape);
  return {};
}

DeviceProblem device_problem(const DeviceChain& chain, const Scoring& scoring) {
  if (scoring.by_caller) return {"has a loss that Python computes"};
  const auto sees_batch = [](const ScoreInfo* score) { return score->is_loss && device_sees_batch(score->index); };
  for (const ScoreInfo* metric : scoring.metrics)
    if (sees_batch(metric)) return {"has the metric " + std::string(metric->name) + ", which is of a whole batch"};
  if (scoring.loss.info && sees_batch(scoring.loss.info))
    return {"has the loss " + std::string(scoring.loss.info->name) + ", which is of a whole batch"};
  const bool is_scored = scoring.loss.info || !scoring.metrics.empty();
  if (is_scored && chain.rows != 1) return {"is scored by more than a vector for each sample"};
  return {};
}

bool absorb(DeviceChain& chain, const LossUse& loss) {
  if (!loss.info || loss.of_logits || loss.info->absorbs < 0 || chain.stages.empty()) return false;
  DeviceStage& last = chain.stages.back();
  if (last.activation.index != loss.info->absorbs) return false;
  last.activation = {};
  return true;
}

template DeviceProblem device_chain(const Network<float>&, DeviceChain&);
template DeviceProblem device_chain(const Network<double>&, DeviceChain&);

}  // namespace gs
