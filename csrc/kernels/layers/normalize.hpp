// Loops over samples whose parts are normalized, each by its own mean and scale.
#pragma once

#include <cstddef>

#include "kernels/isa.hpp"

namespace gs {

/// By what the numbers of a part are divided, epsilon > 0: after their mean was taken away by sqrt(variance + epsilon),
/// by sqrt(mean of the squares + epsilon), or by sqrt(max(sum of the squares, epsilon)).
enum class Scale { deviation, root_mean_square, length };
constexpr int n_scales = 3;
/// Samples of (steps, n) numbers, and their parts: all steps of each of `groups` equal parts of n.
struct RowParts {
  std::size_t steps, n, groups;
  double epsilon;
};
/// Of each part: x (samples, steps, n) -> xhat, y = gamma xhat + beta (samples, steps, n), inverse (samples, groups),
/// which is 1 over what it was divided by. gamma and beta (n) may be null. x may be xhat, and xhat y.
template <class Real>
using RowsForward = void (*)(const Real* x, const Real* gamma, const Real* beta, const RowParts& parts,
                             std::size_t samples, Real* xhat, Real* y, Real* inverse);
/// dy -> dx unless it is null; xhat becomes dy xhat, whose column sums are dgamma.
template <class Real>
using RowsBackward = void (*)(const Real* dy, const Real* gamma, const Real* inverse, const RowParts& parts,
                              std::size_t samples, Real* xhat, Real* dx);

template <class Real> struct NormalizeLoops {
  RowsForward<Real> forward[n_scales];  // [scale]
  RowsBackward<Real> backward[n_scales];
};
struct NormalizeTable {
  NormalizeLoops<float> f32;
  NormalizeLoops<double> f64;
};

template <class Isa> const NormalizeTable& normalize_table() noexcept;

}  // namespace gs
