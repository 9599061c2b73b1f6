// Gradients of a loss at targets that are drawn from the model's own predictive distribution: their mean square is the
// Fisher information, and not that of the data's errors.
#pragma once

#include <cstddef>
#include <cstdint>

#include "train/outputs/scores.hpp"

namespace gs {

/// Which of the draws: of a key, a step, an output and row `first`.
struct TargetDraw {
  std::uint64_t key, step;
  std::uint32_t output;
  std::size_t first;
};

/// Whether the loss is the negative logarithm of a distribution of targets that can be drawn from: the cross-entropies
/// and the mean squared error.
bool has_distribution(const LossUse& loss);

/// y (rows, n) of the loss -> dy (rows, n): its gradient at drawn targets, each row's times the root of its scale, so
/// that the sum of dy dy^T over rows is the Gauss-Newton matrix of the batch's loss in the mean. scales (rows).
template <class Real>
void draw_gradient(const LossUse& loss, const Real* y, std::size_t rows, std::size_t n, const double* scales,
                   const TargetDraw& draw, Real* dy);

}  // namespace gs
