// A step of a matrix along its momentum, made orthogonal.
#pragma once

#include "core/matrix.hpp"
#include "engine/step.hpp"

namespace gs {

struct OrthogonalTask {
  const Move* move;
  const Manner* how;
  double scale;  // what clipping leaves of the gradient
  Orthogonal constants;
};

/// Moves a matrix once; beside its momentum it needs memory for two of them. Same bits for any number of threads, but
/// not on any instruction set: products multiply and add at once where they can.
void orthogonal_step(const OrthogonalTask& task, Crew& crew);

}  // namespace gs
