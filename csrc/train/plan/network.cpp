#include "train/plan/network.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "runtime/lasting.hpp"
namespace gs {
namespace {

template <class Layer, class = void> constexpr bool is_recurrent = false;
template <class Layer>
constexpr bool is_recurrent<Layer, std::void_t<decltype(std::declval<Layer>().multiplications())>> = true;

/// Multiplications of a row in a call of a layer that gives rows of this shape.
std::size_t multiplications(const AnyLayer& layer, const Shape& shape) {
  return visit_layer(layer, [&](const auto& one) {
    std::size_t sum = 0;
    if constexpr (is_recurrent<std::decay_t<decltype(one)>>)
      sum = one.multiplications();
    else
      for (const Shape& weight : one.weights()) sum += size_of(weight) * rows_of(shape);
    return sum;
  });
}

/// Whether passes may change a weight that no gradient is for, and that is no vector.
bool moves(const AnyLayer& layer, std::size_t weight) {
  return visit_layer(layer, [&](const auto& one) {
    using Layer = std::decay_t<decltype(one)>;
    if constexpr (is_recurrent<Layer>) return one.is_state(weight);
    return std::is_same_v<Layer, External>;
  });
}

/// Rows that each batch of a layer must have; 0: any.
template <class Layer> auto batch_of(const Layer& layer, int) -> decltype(layer.batch) { return layer.batch; }
template <class Layer> std::size_t batch_of(const Layer&, long) { return 0; }

template <class Layer> auto differentiable_of(const Layer& layer, int) -> decltype(layer.differentiable) {
  return layer.differentiable;
}
template <class Layer> bool differentiable_of(const Layer&, long) { return true; }

std::ptrdiff_t calls_of(const std::vector<Node>& nodes, std::size_t layer) {
  return std::count_if(nodes.begin(), nodes.end(), [=](const Node& node) { return node.layer == layer; });
}

}  // namespace

Shapes weight_shapes(const AnyLayer& layer) {
  return visit_layer(layer, [](const auto& one) { return one.weights(); });
}
Shape output_shape(const AnyLayer& layer) {
  return visit_layer(layer, [](const auto& one) { return one.output(); });
}

bool is_differentiable(const AnyLayer& layer) {
  return visit_layer(layer, [](const auto& one) { return differentiable_of(one, 0); });
}

template <class Real>
Network<Real>::Network(Shapes inputs, std::vector<AnyLayer> given, std::vector<Node> calls,
                       std::vector<std::size_t> outputs, std::vector<std::vector<WeightAttributes>> attributes,
                       std::vector<std::vector<Real*>> kept, std::vector<std::size_t> given_masks)
    : inputs(std::move(inputs)),
      layers(std::move(given)),
      nodes(std::move(calls)),
      outputs(std::move(outputs)),
      masks(std::move(given_masks)),
      weights(std::move(kept)) {
  masks.resize(this->outputs.size(), no_mask);
  for (const AnyLayer& layer : layers)
    batch = std::max(batch, visit_layer(layer, [](const auto& one) { return std::size_t(batch_of(one, 0)); }));
  for (Node& node : nodes) {
    if (node.layer == Node::no_layer) continue;
    node.shape = output_shape(layer_of(node));
    numbers += size_of(node.shape);
    work += multiplications(layer_of(node), node.shape);
  }
  find_id_limits();
  const bool own = weights.empty();
  std::size_t size = 0;
  for (const AnyLayer& layer : layers)
    for (const Shape& weight : weight_shapes(layer)) size += own ? align<Real>(size_of(weight)) : 0;
  arena_ = Buffer<Real>(size_of_lasting(size * sizeof(Real)) / sizeof(Real));
  std::memset(arena_.data(), 0, size * sizeof(Real));
  Real* next = arena_.data();
  for (std::size_t k = 0; own && k < layers.size(); ++k) {
    weights.emplace_back();
    for (const Shape& weight : weight_shapes(layers[k])) {
      weights.back().push_back(next);
      next += align<Real>(size_of(weight));
    }
  }
  set_weight_attributes(std::move(attributes));
}

template <class Real> void Network<Real>::find_id_limits() {
  id_limits.assign(inputs.size(), 0);
  for (const Node& node : nodes) {
    const auto* const table = node.layer == Node::no_layer ? nullptr : std::get_if<Embedding>(&layers[node.layer]);
    if (!table) continue;
    // Back through what moves numbers.
    std::size_t value = node.inputs[0];
    while (value >= inputs.size()) {
      const Node& maker = nodes[value - inputs.size()];
      if (maker.layer != Node::no_layer && !std::holds_alternative<Rearrange>(layers[maker.layer])) break;
      value = maker.inputs[0];
    }
    if (value >= inputs.size()) continue;
    std::size_t& limit = id_limits[value];
    limit = limit ? std::min(limit, table->rows) : table->rows;
  }
}

template <class Real> void Network<Real>::check_batches(std::size_t rows, std::size_t batch_size) const {
  if (batch && rows > 0 && (batch_size != batch || rows % batch))
    throw std::invalid_argument("a model with stateful layers must get batches of " + std::to_string(batch) +
                                " rows, for which it was built; got " + std::to_string(rows) + " rows in batches of " +
                                std::to_string(batch_size) + ".");
}

template <class Real> bool Network<Real>::has_externals() const {
  return std::any_of(layers.begin(), layers.end(),
                     [](const AnyLayer& layer) { return std::holds_alternative<External>(layer); });
}

template <class Real> void Network<Real>::set_weight_attributes(std::vector<std::vector<WeightAttributes>> given) {
  ++version;
  given.resize(layers.size());
  attributes.assign(layers.size(), {});
  for (std::size_t k = 0; k < layers.size(); ++k) {
    const Shapes shapes = weight_shapes(layers[k]);
    given[k].resize(shapes.size());
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      given[k][i].rows = shapes[i].size() > 1 ? rows_of(shapes[i]) : 0;
      given[k][i].columns = last_of(shapes[i]);
      given[k][i].by_rows = std::holds_alternative<Embedding>(layers[k]) && calls_of(nodes, k) == 1 &&
                            !given[k][i].penalty && !given[k][i].follows_steps();
      given[k][i].moves |= moves(layers[k], i);
      if (batch && !std::holds_alternative<External>(layers[k])) given[k][i].trainable &= !moves(layers[k], i);
      attributes[k].push_back(std::make_shared<const WeightAttributes>(given[k][i]));
    }
  }
}

template <class Real> bool Network<Real>::takes_sparse(std::size_t input) const {
  if (inputs[input].size() != 1) return false;
  const auto is_input = [=](std::size_t value) { return value == input; };
  if (std::any_of(outputs.begin(), outputs.end(), is_input) || std::any_of(masks.begin(), masks.end(), is_input))
    return false;
  bool is_read = false;
  for (const Node& node : nodes) {
    if (std::none_of(node.inputs.begin(), node.inputs.end(), is_input)) continue;
    is_read = node.layer != Node::no_layer && std::holds_alternative<Dense>(layers[node.layer]) &&
              calls_of(nodes, node.layer) == 1;
    if (!is_read) return false;
  }
  return is_read;
}

template <class Real> std::vector<bool> Network<Real>::takes_sparse() const {
  std::vector<bool> all;
  for (std::size_t i = 0; i < inputs.size(); ++i) all.push_back(takes_sparse(i));
  return all;
}

template <class Real> std::vector<bool> Network<Real>::masked() const {
  std::vector<bool> all;
  for (const std::size_t mask : masks) all.push_back(mask != no_mask);
  return all;
}

template <class Real> double Network<Real>::penalty() const {
  double sum = 0;
  for (std::size_t k = 0; k < weights.size(); ++k)
    for (std::size_t i = 0; i < weights[k].size(); ++i)
      if (const WeightAttributes& t = *attributes[k][i]; t.trainable && t.penalty)
        sum += penalty_at<Real>(weights[k][i], t);
  return sum;
}

template <class Real> std::vector<DenseWeight> Network<Real>::dense_weights() const {
  std::vector<DenseWeight> all;
  for (std::size_t k = 0; k < layers.size(); ++k) {
    std::size_t inputs = 0, outputs = 0;  // of each row that the kernel is multiplied with, the 1 of a bias included
    const auto* const conv = std::get_if<Conv>(&layers[k]);
    if (const auto* const dense = std::get_if<Dense>(&layers[k])) {
      inputs = dense->in + dense->use_bias;
      outputs = dense->out;
    } else if (conv && conv->groups == 1) {
      inputs = size_of(conv->kernel) / conv->filters + conv->use_bias;
      outputs = conv->filters;
    }
    const auto& own = attributes[k];
    const bool whole = outputs && std::all_of(own.begin(), own.end(), [](const auto& one) { return one->trainable; });
    for (std::size_t i = 0; i < own.size(); ++i) {
      if (!own[i]->trainable) continue;
      all.emplace_back();
      if (whole)
        all.back() = {i == 0 ? inputs : 0, outputs, std::size_t(calls_of(nodes, k)), bool(own[i]->penalty),
                      conv != nullptr};
    }
  }
  return all;
}

template <class Real> bool Network<Real>::has_statistics() const {
  for (const auto& layer : attributes)
    for (const auto& t : layer)
      if (t->is_statistic()) return true;
  return false;
}

template class Network<float>;
template class Network<double>;

}  // namespace gs
