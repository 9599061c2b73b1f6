// Loops of the layers that merge several values into one, or copy numbers from place to place.
#pragma once

#include <cstddef>

#include "kernels/isa.hpp"

namespace gs {

/// How the inputs of an elementwise merge are folded, from the first on: f(f(a, b), c). `average` divides the sum by
/// their number; where two are equal, `maximum` and `minimum` give half of the gradient to each.
enum class Merge { add, subtract, multiply, average, maximum, minimum };
constexpr int n_merges = 6;

/// x: `inputs` pointers, at least two, to (n) -> y (n), which may be one of them
template <class Real> using MergeForward = void (*)(const Real* const* x, std::size_t inputs, std::size_t n, Real* y);
/// dy (n) -> dx: `inputs` pointers to (n), each null where none is wanted; adds (inputs): whether a gradient is added
/// to what is there. One that is in dx twice gets the sum, and the first of its flags counts; it may be dy.
template <class Real>
using MergeBackward = void (*)(const Real* const* x, std::size_t inputs, std::size_t n, const Real* dy, Real* const* dx,
                               const bool* adds);

/// Two views of one shape, of a sample each: where numbers are read and where they are written. Strides and offsets are
/// in numbers. A source stride of 0 repeats numbers; a target stride of 0 sums them.
struct StridedViews {
  static constexpr int most = 8;
  struct Axis {
    std::size_t size;
    std::ptrdiff_t source, target;  // strides
  };
  int rank = 0;
  Axis axis[most] = {};
  std::size_t source_offset = 0, target_offset = 0;
};

/// `count` samples of x, source_size apart, to those of y, target_size apart; or added to what is there. Where a target
/// stride is 0 they are always added.
template <class Real>
using StridedCopy = void (*)(const StridedViews& views, const Real* x, std::size_t source_size, Real* y,
                             std::size_t target_size, std::size_t count, bool adds);

/// x (rows, n) -> unit = x factor, factor (rows) = 1 / sqrt(max(sum of x^2, 1e-14))
template <class Real>
using UnitForward = void (*)(const Real* x, std::size_t rows, std::size_t n, Real* unit, Real* factor);
/// dunit (rows, n), which becomes dx in place
template <class Real>
using UnitBackward = void (*)(const Real* unit, const Real* factor, std::size_t rows, std::size_t n, Real* dunit);

/// a, b (rows, n) -> y (rows), the sum of a b along each row
template <class Real>
using DotForward = void (*)(const Real* a, const Real* b, std::size_t rows, std::size_t n, Real* y);
/// dy (rows), b (rows, n) -> da = dy b, or added to what is there
template <class Real>
using DotBackward = void (*)(const Real* dy, const Real* b, std::size_t rows, std::size_t n, Real* da, bool adds);

template <class Real> struct MergeLoops {
  MergeForward<Real> forward[n_merges];
  MergeBackward<Real> backward[n_merges];
  StridedCopy<Real> copy;
  UnitForward<Real> unit_forward;
  UnitBackward<Real> unit_backward;
  DotForward<Real> dot_forward;
  DotBackward<Real> dot_backward;
};
struct MergeTable {
  MergeLoops<float> f32;
  MergeLoops<double> f64;
};

template <class Isa> const MergeTable& merge_table() noexcept;

}  // namespace gs
