// Layers in a row, and their weights.
#pragma once

#include <cstddef>
#include <memory>
#include <variant>
#include <vector>

#include "graph/weight_attributes.hpp"
#include "layers/all.hpp"
#include "runtime/buffer.hpp"

namespace gs {

template <class List> struct VariantOf;
template <class... Any> struct VariantOf<TypeList<Any...>> {
  using type = std::variant<Any...>;
};
using AnyLayer = VariantOf<Layers>::type;

template <class Visit> auto visit_layer(const AnyLayer& layer, Visit visit) { return std::visit(visit, layer); }

/// Layers and their weights, which lie in one arena, each aligned, zeros at the start; or where somebody
/// else keeps them, who may give them to several networks.
template <class Real> class Network {
 public:
  /// attributes (layer, weight): empty, or those of each weight; their shapes are filled in.
  /// kept (layer, weight): empty, or where each weight lies.
  Network(std::size_t inputs, std::vector<AnyLayer> layers, std::vector<std::vector<WeightAttributes>> attributes = {},
          std::vector<std::vector<Real*>> kept = {});

  const std::size_t inputs;
  std::size_t outputs;
  const std::vector<AnyLayer> layers;
  std::vector<std::vector<Real*>> weights;  // (layer, weight)
  // Shared with executors that were made by them, which go on with them when there are others.
  std::vector<std::vector<std::shared_ptr<const WeightAttributes>>> attributes;
  std::size_t work = 0;     // multiplications a row in one forward pass
  std::size_t numbers = 0;  // outputs of all layers, a row
  std::size_t version = 0;  // of the attributes

  /// Sets them. Executors that were made before keep those they were made with.
  void set_weight_attributes(std::vector<std::vector<WeightAttributes>> given);
  /// What the weights' penalties add to the loss.
  double penalty() const;
  /// Whether a pass in training may change weights that no gradient is for, such as moving averages.
  bool has_statistics() const;

 private:
  Buffer<Real> arena_;
};

}  // namespace gs
