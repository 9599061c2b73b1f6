// Layers in a row, and their weights.
#pragma once

#include <cstddef>
#include <memory>
#include <variant>
#include <vector>

#include "graph/treatment.hpp"
#include "layers/all.hpp"
#include "runtime/buffer.hpp"

namespace gs {

template <class List> struct VariantOf;
template <class... Any> struct VariantOf<TypeList<Any...>> {
  using type = std::variant<Any...>;
};
using AnyLayer = VariantOf<Layers>::type;

template <class Visit> auto visit_layer(const AnyLayer& layer, Visit visit) { return std::visit(visit, layer); }

/// Layers and their weights, which lie in one arena, each on a border of its own, zeros at the start; or where somebody
/// else keeps them, who may give them to several networks.
template <class Real> class Network {
 public:
  /// treatments (layer, weight): empty, or one for each weight; their shapes are filled in.
  /// kept (layer, weight): empty, or where each weight lies.
  Network(std::size_t inputs, std::vector<AnyLayer> layers, std::vector<std::vector<Treatment>> treatments = {},
          std::vector<std::vector<Real*>> kept = {});

  const std::size_t inputs;
  std::size_t outputs;
  const std::vector<AnyLayer> layers;
  std::vector<std::vector<Real*>> weights;  // (layer, weight)
  // Shared with passes that were made by them, which go on with them when there are others.
  std::vector<std::vector<std::shared_ptr<const Treatment>>> treatments;
  std::size_t work = 0;     // multiplications a row in one forward pass
  std::size_t numbers = 0;  // outputs of all layers, a row
  std::size_t version = 0;  // of the treatments

  /// Sets them. Passes that were made before keep those they were made with.
  void treat(std::vector<std::vector<Treatment>> given);
  /// What the weights' penalties add to the loss.
  double penalty() const;
  /// Whether a pass in training may change weights that no gradient is for, such as moving averages.
  bool moves() const;

 private:
  Buffer<Real> arena_;
};

}  // namespace gs
