// Natural-gradient steps of layers: the curvature of each, in Kronecker factors or its diagonal, and the
// direction that takes the place of its gradient.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "core/matrix.hpp"
#include "train/curvature/curvature_plan.hpp"
#include "train/curvature/damped_inverse.hpp"
#include "train/curvature/kronecker_plan.hpp"
#include "train/pass/executor.hpp"
#include "update/stepper.hpp"

namespace gs {

template <class Real> class NaturalStep {
 public:
  /// weights (layer, weight): those that this moves are marked. Throws std::invalid_argument where a loss gives no
  /// distribution to draw targets from, if they are to be drawn.
  NaturalStep(std::vector<std::vector<Weight<Real>>>& weights, const std::vector<Scoring>& scorings,
              const Stepper& stepper);
  /// Whether the optimizer steps any weight this way.
  static bool is_needed(const Stepper& stepper);

  /// To be called before the pass of a step. The executor's gradients are stored.
  void begin(Executor<Real>& executor);
  /// After the pass: takes it up in the factors, inverts them where that is due, and leaves directions where gradients
  /// are stored. Not to be cancelled.
  void apply(Executor<Real>& executor, ThreadTeam& team);
  /// The step was not made: the factors are as before.
  void undo();
  /// The step was made, or passed over.
  void end() {
    if (optimizer_.t == t_) undo();
  }

 private:
  void draw(Executor<Real>& executor, ThreadTeam& team);
  void invert(ThreadTeam& team);
  void save();

  Optimizer& optimizer_;
  const bool sum_;                                     // whether the loss is a sum over rows, and not their mean
  std::vector<KroneckerFactors<Real>> layers_;         // none of a diagonal
  std::vector<DampedInverse<Real>> inverses_;          // (layer, factor), since the first one
  std::vector<std::pair<Real*, std::size_t>> arrays_;  // all that it keeps
  Curvature now_{};                                    // the settings of this step
  bool learns_ = false;                                // whether this batch goes into the factors
  bool saved_ = false;
  std::int64_t t_ = -1;                    // steps before this one
  std::vector<std::vector<Real>> before_;  // the factors, where the step may be refused
  std::vector<std::vector<Real>> dys_;     // (output)
};

}  // namespace gs
