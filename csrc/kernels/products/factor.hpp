// Tiles of matrices whose second moment is kept as factors of rows and columns.
#pragma once

#include <cstddef>

#include "kernels/isa.hpp"
#include "kernels/products/matrix_layout.hpp"
#include "kernels/updates/sweep.hpp"

namespace gs {

/// 1 / root of the second moment at (i, j): row[i] column[j], at most `most`.
template <class Real> struct Moment {
  const Real *row, *column;
  Real most;
};

/// w, g: matrices of a layout; every row is summed by itself, in a fixed order, so that a tile may also come row by
/// row.
template <class Real> struct FactorLoops {
  // g times scale -> rows (layout.rows), columns (layout.columns): their sums of squares are added
  void (*squares)(const Real* g, const MatrixLayout& layout, double scale, double* rows, double* columns);
  // The sum of squares of w times decay
  double (*size)(const Real* w, const MatrixLayout& layout, double decay);
  // The sum of squares of g times scale over the root of the second moment
  double (*spread)(const Real* g, const MatrixLayout& layout, double scale, const Moment<Real>& v);
  // w = decay w - step scale g over the root of the second moment
  void (*move)(Real* w, const Real* g, const MatrixLayout& layout, const Factors& factors, double step,
               const Moment<Real>& v);
};

struct FactorTable {
  FactorLoops<float> f32;
  FactorLoops<double> f64;
};

template <class Isa> const FactorTable& factor_table() noexcept;

}  // namespace gs
