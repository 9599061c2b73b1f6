// Second derivatives of losses by the outputs of a network, times directions: the middle of Gauss-Newton products.
#pragma once

#include <cstddef>

#include "train/outputs/scores.hpp"

namespace gs {

/// settings, targets and scales as of LossRows; y, v (rows, n) -> to (rows, n): H v, where H is scales[i] times the
/// Hessian of the loss of row i by y, or a positive semi-definite part of it where the loss is not convex; with `root`,
/// S v for an S with S S^T = H. All rows of a batch at once, of a loss that sees the whole batch.
template <class Real>
using CurvatureRows = void (*)(const double* settings, const void* const* targets, const Real* y, const Real* v,
                               std::size_t rows, std::size_t n, const double* scales, bool root, Real* to);

/// The Hessian product of a loss; null for losses that mix outputs or rows and are not convex, which have none.
template <class Real> CurvatureRows<Real> curvature_of(const LossUse& loss);

/// How the gradient by the outputs is found.
enum class Slopes {
  loss,       // of the loss
  curvature,  // second derivatives of the loss, times directions of the outputs
  roots,      // a root of them, times random signs: squares of what comes back have the diagonal of J^T H J as mean
};

}  // namespace gs
