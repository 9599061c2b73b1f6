// What takes the training steps of a network's weights: one optimizer or several, and what is around them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "runtime/threads.hpp"
#include "update/optimizer.hpp"
#include "update/wrappers/lookahead.hpp"
#include "update/wrappers/sam.hpp"

namespace gs {

class Stepper {
 public:
  /// Which optimizer steps a weight, and the weight there.
  struct Owner {
    std::size_t optimizer;
    Parameter* parameter;
  };
  /// owners (weight)
  Stepper(std::vector<Optimizer*> optimizers, std::vector<Owner> owners);

  /// How far away SAM's neighbour is.
  struct Sharpness {
    double rho;
    bool adaptive;
  };
  // Set by whoever steps, whenever it goes on: those inside others come first.
  std::vector<Lookahead> lookaheads;
  std::optional<Sharpness> sharpness;
  /// The order in which SAM's norms add up weights, by their numbers.
  void set_order(std::vector<std::size_t> order);

  const std::vector<Owner>& owners() const { return owners_; }
  /// The optimizer of a weight.
  Optimizer& optimizer_of(std::size_t weight) const { return *parts_[part_of_[weight]].optimizer; }
  /// Whether a step needs whole gradients before it changes anything.
  bool needs_whole() const;

  /// Whether steps of a weight may wait, row by row, until a row is read, and come to the same bits.
  bool may_wait(std::size_t weight) const;
  /// Makes room for one more step of such a weight; notes that it was made in these rows, and waits in the others.
  void prepare_rows(std::size_t weight);
  void add_rows(std::size_t weight, const UpdateKernel& kernel, const std::vector<std::int64_t>& rows);

  /// Begins a step. kernels: what updates each weight at once, as its gradient is made; or null.
  void begin(std::vector<const UpdateKernel*>* kernels);
  /// All weights have been updated at once.
  void count();
  /// Where steps that need whole gradients find them, of each weight; none: there are no such steps.
  void take(std::vector<ParamGrad> gradients);
  /// One step by them: of all optimizers, or, if one refuses it, of none; whether it was made or may be skipped. It can
  /// be cancelled, and then changes nothing.
  bool step(ThreadTeam& team);
  /// Whether there are walks that end with this step; and their end.
  bool meets() const;
  void meet(ThreadTeam& team) const;

  /// Moves the weights to the neighbour, by the gradients; and back. Without a team if there is none any more.
  void climb(ThreadTeam& team);
  void come_back(ThreadTeam* team) const { neighbour_.come_back(team); }

  /// Whether the optimizer of a weight has counted a step since `begin`, and its rate.
  bool has_stepped(std::size_t weight) const;
  double learning_rate(std::size_t weight) const;
  /// Who refused a step, and because of which weight's gradient.
  const Optimizer* refusing() const { return refusing_; }
  std::size_t culprit() const { return culprit_; }

 private:
  /// An optimizer with its weights.
  struct Part {
    Optimizer* optimizer;
    std::vector<std::size_t> weights;
    std::vector<ParamGrad> gradients{};
    std::int64_t steps = 0;  // before this one
  };
  bool refuse(const Part& part);
  void make_neighbour();
  bool ends(std::size_t lookahead) const {
    const std::int64_t steps = lookaheads[lookahead].steps();
    return steps != walked_[lookahead] && steps % lookaheads[lookahead].period == 0;
  }

  const std::vector<Owner> owners_;
  std::vector<Part> parts_;
  std::vector<std::size_t> part_of_;  // (weight)
  std::vector<ParamGrad> gradients_;  // (weight)
  std::vector<std::int64_t> walked_;  // (lookahead): steps before this one
  std::vector<std::size_t> order_;    // of norms
  Neighbour neighbour_;
  const Optimizer* refusing_ = nullptr;
  std::size_t culprit_ = 0;
};

}  // namespace gs
