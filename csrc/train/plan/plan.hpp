// From a network to the schedule of one pass: where its values lie, and what is done in which order.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "graph/call.hpp"
#include "graph/schedule.hpp"
#include "train/outputs/head.hpp"
#include "train/plan/network.hpp"
#include "train/plan/slots.hpp"

namespace gs {

/// Made by an executor, part by part, and gone when its schedule is there.
template <class Real> class Plan {
 public:
  /// layers: the network's, or what stands for them. contents (input): what the inputs are. dx: whether their gradients
  /// are wanted. tangents: whether there will be a tangent pass.
  Plan(const Network<Real>& network, const std::vector<AnyLayer>& layers, Schedule<Real>& schedule,
       const std::vector<std::vector<Weight<Real>>>& weights, const std::vector<Content<Real>>& inputs, bool dx,
       bool tangents);

  /// Leaves the last activation of an output to its loss, if that contains it: whether it does.
  bool absorb(std::size_t output, const Scoring& scoring);
  /// Memory for values that the backward pass reads.
  Buffer<Real> lay_out();
  void forward();
  /// The tangent pass: directions of the weights (layer, weight), those of a layer none or all; and of the inputs, each
  /// may be without memory: it stands still.
  void tangent(const std::vector<std::vector<Weight<Real>>>& directions, const std::vector<Matrix<Real>>& inputs);
  /// The direction of an output, after that; without memory if it stands still.
  Matrix<Real> direction_of_output(std::size_t i);
  /// An output side by side; and, of one whose loss has its activation, where what that gives is to lie.
  Matrix<Real> output(std::size_t i);
  Matrix<Real> activated(std::size_t i) const { return absorbed_[i].outputs; }
  /// Which rows of output i are scored; without memory if all are.
  Matrix<Real> mask(std::size_t i);
  /// Where a loss is to leave the gradient by output i, or more of it; without memory if nobody wants it.
  Matrix<Real> gradient_by_output(std::size_t i);
  /// Adds up what losses left.
  void add_gradients();
  void backward();
  /// The gradients by the inputs.
  std::vector<Matrix<Real>> gradients_by_inputs() const;

 private:
  struct Value {
    std::size_t root = 0;  // the value that it is another shape of, or itself
    std::size_t size = 0;  // numbers a row
    std::size_t readers = 0;
    bool is_learned = false;  // whether a gradient by it is wanted
    bool is_reused = false;   // whether its memory is for gradients
    bool is_made = true;      // not if the only node that reads it does the work of the one that gives it
    Content<Real> content, direction{{}, nullptr, source_of<Real>, 1, 0, false};
    Matrix<Real> y, dy;  // dy: once there is a part of it
  };
  struct Absorbed {
    std::optional<AnyLayer> layer;  // without its activation
    Matrix<Real> outputs;
  };
  struct Sum {
    Matrix<Real> more, sum;
  };

  /// Lets layers do the work of the activation, and convolutions and tables that of the pool or the mean, that alone
  /// reads them.
  void join(bool pools);
  const AnyLayer& layer_of(std::size_t node) const;
  /// Where a gradient by a value is to be written; if there is a part already, apart, to be added to it.
  Matrix<Real> gradient_by(std::size_t value, std::vector<Sum>& sums);
  void add(const std::vector<Sum>& sums);
  /// Whether the backward pass goes through a node.
  bool goes_back(std::size_t node) const;
  /// Finds `users_`. Gives (node) which of them never read anything in the backward pass; the one behind the last, who
  /// reads outputs, is never done.
  std::vector<bool> find_users();
  /// Lets gradients lie where large values do that no node reads any more, but for those that are not done.
  void reuse(const std::vector<bool>& is_done);
  /// The same where large values lie that no node reads in the backward pass.
  void reuse_unread();
  void set_to_zero(Matrix<Real> matrix);
  /// Memory for a value that nobody else gets.
  Matrix<Real> apart(std::size_t columns);
  /// A value as a matrix: where it lies, or a copy.
  Matrix<Real> plain(std::size_t value) { return plain(values_[value].content, values_[value].size); }
  Matrix<Real> plain(const Content<Real>& content, std::size_t size);

  const Network<Real>& network_;
  const std::vector<AnyLayer>& layers_;
  Schedule<Real>& schedule_;
  const std::vector<std::vector<Weight<Real>>>& weights_;
  Slots<Real> slots_;
  std::vector<Node> nodes_;                 // as the network has them, but for what is joined
  std::map<std::size_t, AnyLayer> joined_;  // (node)
  std::vector<Value> values_;
  std::vector<Absorbed> absorbed_;                // (output)
  std::vector<std::optional<Call<Real>>> calls_;  // (node)
  std::vector<std::optional<Call<Real>>> moves_;  // (node), of directions
  std::vector<Sum> of_losses_;
  std::map<const Real*, std::vector<std::size_t>> users_;  // nodes that read or write a value, by its memory
};

}  // namespace gs
