// Loops over weights for penalties and constraints.
#pragma once

#include <cstddef>

#include "kernels/isa.hpp"
#include "kernels/products/matrix_layout.hpp"

namespace gs {

/// w, of a layout; g, the same numbers side by side, unless it is null: g += l1 sign(w) + 2 l2 w + extra, where
/// `extra`, of the layout of w, may be null -> sum |w|, sum w^2
struct PenaltySums {
  double sizes, squares;
};
template <class Real>
using Penalize = PenaltySums (*)(const Real* w, Real* g, const Real* extra, double l1, double l2,
                                 const MatrixLayout& layout);

/// w (n): each number nearer to 0 by `amount`, 0 if it was that near.
template <class Real> using Shrink = void (*)(Real* w, double amount, std::size_t n);
/// w (n): no negative number.
template <class Real> using Rectify = void (*)(Real* w, std::size_t n);
/// w: `length` rows of `columns`, `stride` apart. Each column is brought to a norm in [low, high], `rate` of the way.
template <class Real>
using BoundColumns = void (*)(Real* w, std::size_t length, std::size_t columns, std::size_t stride, double low,
                              double high, double rate);

template <class Real> struct RegularizeLoops {
  Penalize<Real> penalize;
  Shrink<Real> shrink;
  Rectify<Real> rectify;
  BoundColumns<Real> bound_columns;
};
struct RegularizeTable {
  RegularizeLoops<float> f32;
  RegularizeLoops<double> f64;
};

template <class Isa> const RegularizeTable& regularize_table() noexcept;

}  // namespace gs
