// Calls of layers on each other's outputs, and the layers' weights.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "graph/shape.hpp"
#include "graph/weight_attributes.hpp"
#include "layers/all.hpp"
#include "runtime/buffer.hpp"

namespace gs {

/// A call of a layer; or, without one, a value in another shape.
struct Node {
  static constexpr std::size_t no_layer = std::size_t(-1);
  std::size_t layer = no_layer;
  std::vector<std::size_t> inputs;  // values; those are numbered: first the inputs, then what the nodes give
  Shape shape;                      // of what it gives
  // The layer as it is for inputs of other shapes than those of its first call, with the same weights; or none.
  std::shared_ptr<const AnyLayer> resized = nullptr;
};

/// A weight of a Dense layer or of a convolution, whose inputs are the numbers under its window: its outputs; of a
/// kernel also its inputs, with the bias's 1; how often the layer is called.
struct DenseWeight {
  std::size_t inputs = 0, outputs = 0, calls = 0;
  bool is_penalized = false, convolves = false;
};

/// What is computed, and where its weights lie: in one arena, each aligned, zeros at the start; or where somebody
/// else keeps them, who may give them to several networks.
template <class Real> class Network {
 public:
  /// nodes: each after those it reads; their shapes are filled in. outputs: values, any of them.
  /// attributes (layer, weight): empty, or those of each weight; their shapes are filled in.
  /// kept (layer, weight): empty, or where each weight lies.
  /// masks (output): the value that says which of its rows are scored, or no_mask; empty: all are.
  Network(Shapes inputs, std::vector<AnyLayer> layers, std::vector<Node> nodes, std::vector<std::size_t> outputs,
          std::vector<std::vector<WeightAttributes>> attributes = {}, std::vector<std::vector<Real*>> kept = {},
          std::vector<std::size_t> masks = {});

  const Shapes inputs;
  const std::vector<AnyLayer> layers;  // each once
  std::vector<Node> nodes;
  const std::vector<std::size_t> outputs;
  static constexpr std::size_t no_mask = std::size_t(-1);
  std::vector<std::size_t> masks;           // (output)
  std::vector<std::size_t> id_limits;       // (input): below which its numbers are, being ids; 0: they are none
  std::vector<std::vector<Real*>> weights;  // (layer, weight)
  // Shared with executors that were made by them, which go on with them when there are others.
  std::vector<std::vector<std::shared_ptr<const WeightAttributes>>> attributes;
  std::size_t work = 0;     // multiplications a row in one forward pass
  std::size_t numbers = 0;  // that all nodes give, a row
  std::size_t version = 0;  // of the attributes
  std::size_t batch = 0;    // rows that each batch must have, of a network that keeps states from pass to pass; 0: any

  /// Asks whoever made the network for what is computed outside the engine; on the thread that runs it. It may throw.
  std::function<void(const ExternalCall<Real>& call, bool training)> ask = nullptr;
  /// Whether it has to.
  bool has_externals() const;

  /// The layer that a node calls, for the shapes of its inputs.
  const AnyLayer& layer_of(const Node& node) const { return node.resized ? *node.resized : layers[node.layer]; }
  const Shape& shape(std::size_t value) const {
    return value < inputs.size() ? inputs[value] : nodes[value - inputs.size()].shape;
  }
  /// Numbers a row of an output, and of an input.
  std::size_t output_size(std::size_t i = 0) const { return size_of(shape(outputs[i])); }
  std::size_t input_size(std::size_t i = 0) const { return size_of(inputs[i]); }
  /// Sets them. Executors that were made before keep those they were made with.
  void set_weight_attributes(std::vector<std::vector<WeightAttributes>> given);
  /// Whether the rows of an input may be sparse: it goes into Dense layers alone, each of which is called once.
  bool takes_sparse(std::size_t input) const;
  std::vector<bool> takes_sparse() const;  // (input)
  /// Whether there is a value that says which rows of each output are scored.
  std::vector<bool> masked() const;
  /// What the weights' penalties add to the loss.
  double penalty() const;
  /// Throws std::invalid_argument if so many rows are not whole batches of the size that states are kept for.
  void check_batches(std::size_t rows, std::size_t batch_size) const;
  /// Of each trained weight, in order: what it is of such a layer all of whose weights are trained; else all 0.
  std::vector<DenseWeight> dense_weights() const;
  /// Whether a pass in training may change weights that no gradient is for, such as moving averages.
  bool has_statistics() const;

 private:
  void find_id_limits();

  Buffer<Real> arena_;
};

Shapes weight_shapes(const AnyLayer& layer);
Shape output_shape(const AnyLayer& layer);
/// Whether gradients go back through it.
bool is_differentiable(const AnyLayer& layer);

}  // namespace gs
