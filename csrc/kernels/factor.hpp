// Tiles of matrices whose second moment is kept as factors of rows and columns.
#pragma once

#include <cstddef>

#include "kernels/area.hpp"
#include "kernels/isa.hpp"
#include "kernels/sweep.hpp"

namespace gs {

/// 1 / root of the second moment at (i, j): row[i] column[j], at most `most`.
template <class Real> struct Moment {
  const Real *row, *column;
  Real most;
};

/// w, g: rows of an area; every row is summed by itself, in a fixed order, so that a tile may also come row by row.
template <class Real> struct Factoring {
  // g times scale -> rows (area.rows), columns (area.columns): their sums of squares are added
  void (*squares)(const Real* g, const Area& area, double scale, double* rows, double* columns);
  // The sum of squares of w times keep
  double (*size)(const Real* w, const Area& area, double keep);
  // The sum of squares of g times scale over the root of the second moment
  double (*spread)(const Real* g, const Area& area, double scale, const Moment<Real>& v);
  // w = keep w - step scale g over the root of the second moment
  void (*move)(Real* w, const Real* g, const Area& area, const Factors& factors, double step, const Moment<Real>& v);
};

struct FactorTable {
  Factoring<float> f32;
  Factoring<double> f64;
};

template <class Isa> const FactorTable& factor_table() noexcept;

}  // namespace gs
