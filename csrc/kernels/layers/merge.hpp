// Loops of the layers that merge values: elementwise, and by scalar products.
#pragma once

#include <cstddef>

#include "kernels/isa.hpp"

namespace gs {

/// How values are folded, from the first on: f(f(a, b), c). `average` divides the sum by their number; `maximum` and
/// `minimum` give half of the gradient to each of two that are equal.
enum class Merge { add, subtract, multiply, average, maximum, minimum };
constexpr int n_merges = 6;

/// x: two or more pointers, `inputs` of them -> y, from the number `first` on, n numbers of each
template <class Real>
using MergeForward = void (*)(const Real* const* x, std::size_t inputs, std::size_t first, std::size_t n, Real* y);
/// dy -> dx, a pointer for each input, null where no gradient is wanted; none of them dy
template <class Real>
using MergeBackward = void (*)(const Real* const* x, std::size_t inputs, std::size_t first, std::size_t n,
                               const Real* dy, Real* const* dx);

/// a, b (rows, n) -> y (rows), the sum of a b along each row
template <class Real>
using DotForward = void (*)(const Real* a, const Real* b, std::size_t rows, std::size_t n, Real* y);
/// dy (rows), b (rows, n) -> da = dy b
template <class Real>
using DotBackward = void (*)(const Real* dy, const Real* b, std::size_t rows, std::size_t n, Real* da);

template <class Real> struct MergeLoops {
  MergeForward<Real> forward[n_merges];
  MergeBackward<Real> backward[n_merges];
  DotForward<Real> dot_forward;
  DotBackward<Real> dot_backward;
};
struct MergeTable {
  MergeLoops<float> f32;
  MergeLoops<double> f64;
};

template <class Isa> const MergeTable& merge_table() noexcept;

}  // namespace gs
