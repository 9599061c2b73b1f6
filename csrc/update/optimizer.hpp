// One optimizer over many arrays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "core/dtype.hpp"
#include "runtime/strided.hpp"
#include "runtime/threads.hpp"
#include "update/rules.hpp"
#include "update/sparse.hpp"
#include "update/update_kernel.hpp"

namespace gs {

/// An array that an optimizer updates, with its state: an array a slot, in C order, shape of the parameter.
struct Parameter {
  Dtype dtype;
  Layout layout;
  std::byte* data;
  std::vector<void*> state;
  std::vector<float*> scales;     // of int8 state, one for 256 elements
  std::vector<double*> scalars;   // of a rule that keeps some for each parameter
  std::int64_t* steps = nullptr;  // its own count, if it has one
  std::size_t group = 0;
  bool decays = true;      // whether weight_decay counts
  bool is_matrix = false;  // to a rule that makes matrices orthogonal, or finds curvature
  // Of a Dense layer whose curvature its rule finds: its outputs; of its kernel also its inputs, with the bias's 1.
  std::size_t inputs = 0, outputs = 0;
  std::uint32_t number = 0;                         // among all of the optimizer
  std::unique_ptr<PendingSteps> pending = nullptr;  // once it has had a row-sparse gradient, unless they are lazy
};

/// A parameter and its gradient, which has the parameter's shape.
struct ParamGrad {
  const Parameter* parameter;
  const std::byte* gradient;
  const Layout* layout;               // of the gradient; only `contiguous` counts where it is true
  Dtype dtype;                        // of the gradient
  const RowGradient* rows = nullptr;  // a row-sparse gradient, in place of the other members

  std::size_t size() const { return rows ? rows->size() : parameter->layout.size; }
};

class OrthogonalStep;

/// Parameters that share the values of hyperparameters.
struct Group {
  std::vector<double> values;  // in the order of rule.fields
  std::vector<bool> own;       // which of them are its own; the others are those of the first group
};

/// The values of a hyperparameter that changes from step to step, made ahead.
struct HyperparameterTable {
  std::size_t group, field;    // position in rule.fields
  std::int64_t first = 0;      // steps done when values[0] counts
  std::vector<double> values;  // one a step; whoever steps makes sure that they reach far enough
};

/// A rule with its numbers and its step counter. Not safe to use from two threads at once.
class Optimizer {
 public:
  Optimizer(const Rule& rule, std::vector<double> values, const Options& options = {});

  /// Brings the values of all groups up to the step to come.
  void load_hyperparameters();

  /// The values of the fields that count for a parameter.
  std::vector<double> values_of(const Parameter& parameter) const;

  /// The update of a parameter in the step to come; lives until the next one begins. Not for two threads at once.
  const UpdateKernel& update_kernel(const Parameter& parameter) {
    const Dtype real = real_of(parameter.dtype);
    const std::size_t at =
        parameter.group * 8 + std::size_t(int(real)) * 4 + std::size_t(parameter.decays) * 2 + parameter.is_matrix;
    return made_[at] == steps(parameter) ? kernels_[at] : make_kernel(parameter, at);
  }

  using Idle = std::vector<const Parameter*>;
  enum class Outcome { updated, accumulated, nonfinite };
  /// One step: updates every parameter once and counts. Same bits for any number of threads. If it may not be made
  /// because of a gradient that is not finite, or one so large that the step would make weights or state that are not,
  /// nothing is changed, and `culprit` says which. idle: what has no gradient in this step, for averages.
  Outcome step(const std::vector<ParamGrad>& grads, ThreadTeam* team = nullptr, const Idle& idle = {});

  /// Whether a step by these gradients is not an error; if not, `culprit` says which gradient is not finite.
  bool admits(const std::vector<ParamGrad>& grads, ThreadTeam* team = nullptr);

  /// Whether a step needs whole gradients before it changes anything.
  bool needs_whole() const;
  /// Ends a step whose parameters were updated one by one, each by its `update_kernel`: `count_step` for each, then
  /// `count`.
  void count_step(const Parameter& parameter);
  void count();
  /// Steps that a parameter has taken, as its rule counts them.
  std::int64_t steps(const Parameter& parameter) const { return options.own_steps ? *parameter.steps : t; }

  /// What the slots of a parameter are at the start.
  std::vector<double> starts(const Parameter& parameter) const;

  /// The rate of the step that was made last, of a parameter; 1 of a rule that has none.
  double learning_rate(const Parameter& parameter) const;

  /// Slots beside the rule's: the sum of gradients and the average of weights, of type Real.
  std::vector<const char*> extra_slots() const;
  /// Numbers that the rule keeps for each parameter.
  std::vector<const char*> own_scalars() const;

  const Rule& rule;
  Options options;
  std::vector<Group> groups;
  std::vector<HyperparameterTable> hyperparameter_tables;  // of the fields that change by themselves
  std::vector<double> scalars;                             // of a rule that keeps some for all parameters
  std::int64_t t = 0;                                      // steps done
  std::int64_t summed = 0;                                 // gradients of the next step that are already summed
  std::int64_t skipped = 0;                                // steps that were not made
  std::size_t culprit = 0;                                 // position of a gradient
  bool overflows = false;  // whether its gradient is finite, and the step by it would not be

 private:
  struct Task {
    const ParamGrad* grad;
    const UpdateKernel* kernel;
    double scale;  // what clipping leaves of the gradient
  };
  class Chunks;
  /// The update of parameters of the kind `at`; there may be several, of parameters at other steps.
  const UpdateKernel& make_kernel(const Parameter& parameter, std::size_t at);
  /// The tasks of a step.
  void make_tasks(const std::vector<ParamGrad>& grads);
  bool measures() const;
  bool check_gradients(Chunks& chunks);
  double safe(const Task& task) const;
  /// One step without counting it. keep: whether weights and state stay as it makes them.
  bool attempt(const std::vector<ParamGrad>& grads, ThreadTeam* team, bool keep);
  void advance(Chunks& chunks, ThreadTeam* team);
  void catch_up(const std::vector<ParamGrad>& grads);
  void measure(Chunks& chunks);
  void factored_update(ThreadTeam* team) const;
  std::vector<std::unique_ptr<OrthogonalStep>> orthogonalize(ThreadTeam& team) const;
  void update_averages(const Idle& idle);

  std::vector<Task> tasks_;
  bool risky_ = false;                  // whether the step that was checked may overflow
  std::vector<UpdateKernel> measured_;  // (task), of a rule that measures
  std::vector<UpdateKernel> kernels_;   // [group][real][decays][is_matrix]
  std::vector<std::int64_t> made_;      // (kernel): the steps it is for; -1: not made yet
  // (kernel): the values that it was made of last, where only its constants may differ from step to step; else empty
  std::vector<std::vector<double>> made_of_;
  std::map<std::pair<std::size_t, std::int64_t>, UpdateKernel> others_;  // for parameters at other steps
};

}  // namespace gs
