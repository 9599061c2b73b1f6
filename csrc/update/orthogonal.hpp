// A step of a matrix along its momentum, made orthogonal.
#pragma once

#include <memory>

#include "core/matrix.hpp"
#include "update/optimizer.hpp"

namespace gs {

struct OrthogonalTask {
  const ParamGrad* grad;
  const UpdateKernel* kernel;
  double scale;  // what clipping leaves of the gradient
  Orthogonal constants;
};

/// One update of a matrix. Same bits for any number of threads and on every instruction set: products multiply, then
/// add, which takes longer than both at once.
class OrthogonalStep {
 public:
  virtual ~OrthogonalStep() = default;
  /// Finds where to, writing nothing; it can be cancelled. Needs memory for two matrices, and keeps one.
  virtual void prepare(ThreadTeam& team) = 0;
  /// Moves the momentum and the matrix.
  virtual void apply(ThreadTeam& team) = 0;
};
std::unique_ptr<OrthogonalStep> orthogonal_step(const OrthogonalTask& task);

}  // namespace gs
