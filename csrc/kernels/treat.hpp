// Loops over weights for penalties and constraints.
#pragma once

#include <cstddef>

#include "kernels/area.hpp"
#include "kernels/isa.hpp"

namespace gs {

/// w, of an area; g, the same numbers side by side, unless it is null: g += l1 sign(w) + 2 l2 w + extra, where `extra`,
/// of the same area as w, may be null -> sum |w|, sum w^2
struct PenaltySums {
  double sizes, squares;
};
template <class Real>
using Penalize = PenaltySums (*)(const Real* w, Real* g, const Real* extra, double l1, double l2, const Area& area);

/// w (n): each number nearer to 0 by `amount`, 0 if it was that near.
template <class Real> using Shrink = void (*)(Real* w, double amount, std::size_t n);
/// w (n): no negative number.
template <class Real> using Rectify = void (*)(Real* w, std::size_t n);
/// w: `length` rows of `columns`, `stride` apart. Each column is brought to a norm in [low, high], `rate` of the way.
template <class Real>
using BoundColumns = void (*)(Real* w, std::size_t length, std::size_t columns, std::size_t stride, double low,
                              double high, double rate);

template <class Real> struct Treating {
  Penalize<Real> penalize;
  Shrink<Real> shrink;
  Rectify<Real> rectify;
  BoundColumns<Real> bound_columns;
};
struct TreatTable {
  Treating<float> f32;
  Treating<double> f64;
};

template <class Isa> const TreatTable& treat_table() noexcept;

}  // namespace gs
