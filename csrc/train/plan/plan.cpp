#include "train/plan/plan.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <type_traits>
#include <utility>

#include "layers/tangents.hpp"
#include "train/plan/buckets.hpp"

namespace gs {
namespace {

template <class Layer, class = void> constexpr bool has_activation = false;
template <class Layer>
constexpr bool has_activation<Layer, std::void_t<decltype(std::declval<Layer>().activation)>> = true;

/// Whether a layer without an activation has taken one that follows it.
template <class Layer> bool takes([[maybe_unused]] Layer& layer, [[maybe_unused]] const ActivationUse& next) {
  constexpr bool is_conv = std::is_same_v<Layer, Conv>;
  if constexpr (is_conv || std::is_same_v<Layer, Dense> || std::is_same_v<Layer, ConvTranspose> ||
                std::is_same_v<Layer, SeparableConv>) {
    if constexpr (is_conv)
      if (layer.pool) return false;
    if (!layer.activation.template is<Linear>() || kernels().map.of[next.index].rowwise) return false;
    layer.activation = next;
    return true;
  }
  return false;
}

/// Whether a layer has taken the pool, or the mean over steps, that follows it.
bool takes_pool(AnyLayer& layer, const AnyLayer& next, bool training) {
  const auto* const pool = std::get_if<Pool>(&next);
  if (auto* const conv = std::get_if<Conv>(&layer)) return pool && conv->join(*pool, training);
  auto* const table = std::get_if<Embedding>(&layer);
  if (!table) return false;
  const auto* const mean = std::get_if<MaskedMean>(&next);
  return pool ? table->join(*pool) : mean && table->join(*mean);
}

/// A layer that draws apart from the calls before this one in a pass; none where that is the same layer.
std::optional<AnyLayer> of_call(const AnyLayer& layer, std::size_t call) {
  AnyLayer made = layer;
  const auto keys = visit_layer(made, [](auto& one) { return keys_of(one, 0); });
  if (call == 0 || keys.empty()) return std::nullopt;
  for (std::uint64_t* const key : keys) *key += call * 0xD1342543DE82EF95u;
  return made;
}

}  // namespace

template <class Real>
Plan<Real>::Plan(const Network<Real>& network, const std::vector<AnyLayer>& layers, Schedule<Real>& schedule,
                 const std::vector<std::vector<Weight<Real>>>& weights, const std::vector<Content<Real>>& inputs,
                 bool dx, bool tangents)
    : network_(network),
      layers_(layers),
      schedule_(schedule),
      weights_(weights),
      slots_(schedule),
      nodes_(network.nodes),
      absorbed_(network.outputs.size()) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    values_.emplace_back();
    values_.back().root = i;
    values_.back().size = network.input_size(i);
    values_.back().is_learned = dx;
    values_.back().content = inputs[i];
  }
  for (const Node& node : network.nodes) {
    const std::size_t number = values_.size();
    Value value;
    value.root = number;
    value.size = size_of(node.shape);
    for (const std::size_t input : node.inputs) {
      value.is_learned |= values_[input].is_learned;
      ++values_[input].readers;
    }
    if (node.layer == Node::no_layer) {
      value.root = values_[node.inputs[0]].root;
    } else {
      const auto& own = weights[node.layer];
      value.is_learned |= std::any_of(own.begin(), own.end(), [](const auto& weight) { return weight.trainable(); });
      value.is_learned &= is_differentiable(layers[node.layer]);
    }
    values_.push_back(value);
  }
  for (const std::size_t output : network.outputs) ++values_[output].readers;
  for (const std::size_t mask : network.masks)
    if (mask != Network<Real>::no_mask) ++values_[mask].readers;
  calls_.resize(network.nodes.size());
  std::vector<std::size_t> calls(network.layers.size());
  for (std::size_t k = 0; k < nodes_.size(); ++k)
    if (const std::size_t layer = nodes_[k].layer; layer != Node::no_layer) {
      if (auto own = of_call(network.layer_of(nodes_[k]), calls[layer]++))
        joined_.emplace(k, std::move(*own));
      else if (nodes_[k].resized)
        joined_.emplace(k, &layers == &network.layers ? *nodes_[k].resized : in_inference(*nodes_[k].resized));
    }
  moves_.resize(network.nodes.size());
  join(!tangents);
}

template <class Real> void Plan<Real>::join(bool pools) {
  const std::size_t inputs = network_.inputs.size();
  for (std::size_t k = 0; k < nodes_.size(); ++k) {
    if (nodes_[k].layer == Node::no_layer || nodes_[k].inputs[0] < inputs) continue;
    const std::size_t before = nodes_[k].inputs[0] - inputs;
    Value& between = values_[inputs + before];
    if (nodes_[before].layer == Node::no_layer || between.readers > 1) continue;
    AnyLayer both = layer_of(before);
    const auto& outputs = network_.outputs;
    const bool is_output = std::find(outputs.begin(), outputs.end(), inputs + k) != outputs.end();
    bool joins = false;
    const std::vector<Weight<Real>>& weights = weights_[nodes_[before].layer];
    if (pools && !weights.empty() && !weights[0].is_curved) joins = takes_pool(both, layer_of(k), schedule_.training);
    if (const auto* const next = std::get_if<Activate>(&layer_of(k)); next && !is_output)
      joins = visit_layer(both, [&](auto& layer) { return takes(layer, next->activation); });
    if (!joins) continue;
    joined_.erase(before);
    joined_.insert_or_assign(k, std::move(both));
    nodes_[k].layer = nodes_[before].layer;
    nodes_[k].inputs.erase(nodes_[k].inputs.begin());  // a mask stays
    nodes_[k].inputs.insert(nodes_[k].inputs.begin(), nodes_[before].inputs.begin(), nodes_[before].inputs.end());
    between.is_made = false;
  }
}

template <class Real> bool Plan<Real>::absorb(std::size_t output, const Scoring& scoring) {
  const LossUse& loss = scoring.loss;
  const std::size_t value = network_.outputs[output];
  if (value < network_.inputs.size() || values_[value].readers > 1) return false;
  const Node& node = network_.nodes[value - network_.inputs.size()];
  if (node.layer == Node::no_layer) return false;
  AnyLayer layer = node.resized ? *node.resized : layers_[node.layer];
  const bool absorbs = visit_layer(layer, [&](auto& own) {
    if constexpr (has_activation<std::decay_t<decltype(own)>>) {
      if (!loss.absorbs(own.activation.index)) return false;
      own.activation = {};
      return true;
    }
    return false;
  });
  if (absorbs) {
    absorbed_[output].layer = std::move(layer);
    if (node.resized) joined_.erase(value - network_.inputs.size());
  }
  return absorbs;
}

template <class Real> const AnyLayer& Plan<Real>::layer_of(std::size_t node) const {
  if (const auto found = joined_.find(node); found != joined_.end()) return found->second;
  for (std::size_t i = 0; i < absorbed_.size(); ++i)
    if (absorbed_[i].layer && network_.outputs[i] == network_.inputs.size() + node) return *absorbed_[i].layer;
  return layers_[network_.nodes[node].layer];
}

template <class Real> Buffer<Real> Plan<Real>::lay_out() {
  if (!schedule_.training) return {};
  // First how much memory, then where: once to count from null, once for real.
  const auto place_all = [&](Real* next) {
    for (std::size_t v = network_.inputs.size(); v < values_.size(); ++v) {
      Value& value = values_[v];
      if (value.root != v || !value.is_made) continue;
      value.y = {next, schedule_.batch, value.size};
      next += align<Real>(value.y.size());
    }
    return next;
  };
  Buffer<Real> memory(reinterpret_cast<std::uintptr_t>(place_all(nullptr)) / sizeof(Real));
  place_all(memory.data());
  return memory;
}

template <class Real> void Plan<Real>::forward() {
  for (std::size_t i = 0; i < absorbed_.size(); ++i)
    if (absorbed_[i].layer) absorbed_[i].outputs = apart(network_.output_size(i));
  std::map<const Real*, std::size_t> readers;  // of memory, that are not in the schedule yet
  for (std::size_t k = 0; k < network_.nodes.size(); ++k) {
    const Node& node = nodes_[k];
    Value& value = values_[network_.inputs.size() + k];
    if (!value.is_made) {
      slots_.next();
      continue;
    }
    if (node.layer == Node::no_layer) {
      value.content = values_[node.inputs[0]].content;
    } else {
      std::vector<Content<Real>*> inputs;
      Shapes shapes;
      for (const std::size_t input : node.inputs) {
        inputs.push_back(&values_[input].content);
        shapes.push_back(network_.shape(input));
      }
      if (!schedule_.training) value.y = slots_.take(schedule_.batch, value.size);
      calls_[k].emplace(schedule_, inputs, shapes, weights_[node.layer], value.y);
      visit_layer(layer_of(k), [&](const auto& layer) { layer.forward(schedule_, *calls_[k]); });
      value.content = calls_[k]->content();
      if (value.content.matrix.at != value.y.at) slots_.give(value.y.at);
    }
    readers[value.content.matrix.at] += value.readers;
    for (const std::size_t input : node.inputs)
      if (const Real* const read = values_[input].content.matrix.at; read && --readers[read] == 0) slots_.give(read);
    slots_.next();
  }
}

template <class Real> Matrix<Real> Plan<Real>::apart(std::size_t columns) {
  return {schedule_.workspace(schedule_.batch * columns), schedule_.batch, columns};
}

template <class Real> Matrix<Real> Plan<Real>::output(std::size_t i) { return plain(network_.outputs[i]); }

template <class Real> Matrix<Real> Plan<Real>::mask(std::size_t i) {
  return network_.masks[i] == Network<Real>::no_mask ? Matrix<Real>{} : plain(network_.masks[i]);
}

template <class Real> Matrix<Real> Plan<Real>::plain(const Content<Real>& content, std::size_t size) {
  if (content.is_plain()) return content.matrix;
  const Matrix<Real> copy = apart(size);
  schedule_.copy(rows_of(schedule_, content, size, size), copy);
  return copy;
}

template <class Real>
void Plan<Real>::tangent(const std::vector<std::vector<Weight<Real>>>& directions,
                         const std::vector<Matrix<Real>>& inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    values_[i].direction.matrix = inputs[i];
    values_[i].direction.moves = bool(inputs[i]);
  }
  std::map<const Real*, std::size_t> readers;  // of memory, that are not in the schedule yet
  for (std::size_t k = 0; k < network_.nodes.size(); ++k) {
    const Node& node = nodes_[k];
    Value& value = values_[inputs.size() + k];
    if (!value.is_made) continue;
    if (node.layer == Node::no_layer) {
      value.direction = values_[node.inputs[0]].direction;
    } else {
      const AnyLayer& layer = layer_of(k);
      const auto& own = directions[node.layer];
      bool moves = !own.empty() && own[0].w;
      for (const std::size_t input : node.inputs) moves |= values_[input].direction.moves;
      if (moves && is_differentiable(layer)) {
        std::vector<Content<Real>*> contents;
        Shapes shapes;
        for (const std::size_t input : node.inputs) {
          Value& from = values_[input];
          if (!from.direction.matrix && !looks_at_no_zeros(layer)) from.direction.matrix = apart(from.size);
          contents.push_back(&from.direction);
          shapes.push_back(network_.shape(input));
        }
        const Matrix<Real> dy = slots_.take(schedule_.batch, value.size);
        moves_[k].emplace(schedule_, contents, shapes, own, dy);
        add_tangent(layer, schedule_, *calls_[k], *moves_[k]);
        value.direction = moves_[k]->content();
        if (value.direction.matrix.at != dy.at) slots_.give(dy.at);
      }
    }
    readers[value.direction.matrix.at] += value.readers;
    for (const std::size_t input : node.inputs)
      if (const Real* const read = values_[input].direction.matrix.at; read && --readers[read] == 0) slots_.give(read);
    slots_.next();
  }
}

template <class Real> Matrix<Real> Plan<Real>::direction_of_output(std::size_t i) {
  const Value& value = values_[network_.outputs[i]];
  return value.direction.moves ? plain(value.direction, value.size) : Matrix<Real>{};
}

template <class Real> Matrix<Real> Plan<Real>::gradient_by(std::size_t value, std::vector<Sum>& sums) {
  const std::size_t number = values_[value].root;
  Value& root = values_[number];
  if (!schedule_.training || !root.is_learned) return {};
  const bool is_first = !root.dy;
  if (is_first) root.dy = number < network_.inputs.size() ? apart(root.size) : slots_.take(schedule_.batch, root.size);
  if (is_first) return root.dy;
  const Matrix<Real> more = slots_.take(schedule_.batch, root.size);
  sums.push_back({more, root.dy});
  return more;
}

template <class Real> Matrix<Real> Plan<Real>::gradient_by_output(std::size_t i) {
  return gradient_by(network_.outputs[i], of_losses_);
}

template <class Real> void Plan<Real>::add_gradients() { add(of_losses_); }

template <class Real> void Plan<Real>::add(const std::vector<Sum>& sums) {
  for (const Sum& sum : sums) {
    schedule_.accumulate(sum.more, sum.sum);
    slots_.give(sum.more.at);
  }
}

template <class Real> bool Plan<Real>::goes_back(std::size_t node) const {
  const Value& value = values_[network_.inputs.size() + node];
  return nodes_[node].layer != Node::no_layer && value.is_learned && value.is_made;
}

template <class Real> void Plan<Real>::backward() {
  const std::size_t inputs = network_.inputs.size(), count = network_.nodes.size();
  std::vector<bool> is_done = find_users();
  bool once = true;  // whether a pass goes back once: not where curvature is found
  for (const auto& own : weights_)
    for (const Weight<Real>& weight : own) once &= !weight.is_curved;
  if (once) reuse_unread();
  std::vector<std::size_t> left(network_.layers.size());  // calls of each layer
  std::vector<std::vector<const Real*>> read(network_.layers.size());
  for (std::size_t k = 0; k < count; ++k)
    if (const Node& node = nodes_[k]; node.layer != Node::no_layer && values_[inputs + k].is_made) ++left[node.layer];
  // The last call outside the engine, which may fail: weights are not changed before.
  std::size_t last_external = 0;
  while (last_external < count &&
         !(goes_back(last_external) && std::holds_alternative<External>(layer_of(last_external))))
    ++last_external;
  Buckets<Real> buckets(weights_);
  const auto stop_at = [&](std::size_t bucket, std::size_t layer) {
    for (const Weight<Real>& weight : weights_[layer]) schedule_.update(&weight);
    ExternalCall<Real> stop;
    stop.bucket = bucket;
    schedule_.external(std::move(stop));
  };
  std::vector<std::size_t> finished;  // layers that all calls have gone back through, and whose weights are not updated
  for (std::size_t k = count; k-- > 0;) {
    if (!goes_back(k)) continue;
    const Node& node = nodes_[k];
    Value& value = values_[inputs + k];
    std::vector<Sum> sums;
    if (!value.dy) set_to_zero(gradient_by(inputs + k, sums));
    std::vector<Matrix<Real>> dxs;
    for (const std::size_t input : node.inputs) dxs.push_back(gradient_by(input, sums));
    // The gradients of a bucket are sent while the one by the input of its first layer is computed, too.
    const auto end_bucket = [&, k] {
      if (left[node.layer] > 1 || k > last_external || !finished.empty()) return;
      buckets.add(weights_[node.layer]);
      if (const auto bucket = buckets.complete()) stop_at(*bucket, node.layer);
    };
    calls_[k]->go_back(value.dy, std::move(dxs), schedule_.in_shards ? end_bucket : std::function<void()>());
    visit_layer(layer_of(k), [&](const auto& layer) { layer.backward(schedule_, *calls_[k]); });
    add(sums);
    // Until its weights are updated, a layer that is called several times reads the gradients by all its outputs.
    read[node.layer].push_back(value.dy.at);
    if (--left[node.layer] == 0) finished.push_back(node.layer);
    if (k <= last_external && !finished.empty()) {
      for (const std::size_t layer : finished) {
        for (const Weight<Real>& weight : weights_[layer]) schedule_.update(&weight);
        buckets.add(weights_[layer]);
        for (const Real* const at : read[layer]) slots_.give(at);
        for (std::size_t user = 0; user < count; ++user) is_done[user] = is_done[user] || nodes_[user].layer == layer;
      }
      finished.clear();
      if (once) reuse(is_done);
      if (const auto bucket = schedule_.in_shards ? buckets.complete() : std::nullopt) stop_at(*bucket, node.layer);
    }
    slots_.next();
  }
  std::vector<Sum> none;
  for (std::size_t i = 0; i < inputs; ++i)
    if (values_[i].is_learned && !values_[i].dy) set_to_zero(gradient_by(i, none));
}

template <class Real> void Plan<Real>::set_to_zero(Matrix<Real> matrix) {
  schedule_.each_row(matrix.rows, matrix.columns, {{}, {matrix.at}}, [=](std::size_t first, std::size_t count) {
    std::fill_n(matrix.at + first * matrix.columns, count * matrix.columns, Real(0));
  });
}

template <class Real> std::vector<Matrix<Real>> Plan<Real>::gradients_by_inputs() const {
  std::vector<Matrix<Real>> all;
  for (std::size_t i = 0; i < network_.inputs.size(); ++i) all.push_back(values_[i].dy);
  return all;
}

template class Plan<float>;
template class Plan<double>;

}  // namespace gs
