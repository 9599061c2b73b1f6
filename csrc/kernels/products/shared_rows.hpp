// Products of the same rows with narrow matrices of several models, each of which lies by itself: the rows are read
// once for all. Each number is summed in the order of `Gemm`, and has its bits.
#pragma once

#include <cstddef>

#include "kernels/isa.hpp"

namespace gs {

/// A batch of rows, and models of a few columns each.
template <class Real> struct SharedRows {
  const void* const* x;  // (rows) of (depth)
  std::size_t rows, depth, models, columns;
};

template <class Real> struct SharedRowsLoops {
  /// w (models): (depth, columns); start (models): (columns), or null: zeros -> z (models, rows, columns), start + x w.
  /// scratch: shared_scratch(depth) numbers.
  void (*multiply)(const SharedRows<Real>& q, const Real* const* w, const Real* const* start, Real* z, Real* scratch);
  /// dz (models, rows, columns) -> dw (models, depth, columns), x^T dz; and unless db is null db (models, columns), the
  /// rows of dz summed
  void (*gradients)(const SharedRows<Real>& q, const Real* dz, Real* dw, Real* db);
};

constexpr std::size_t shared_scratch(std::size_t depth) { return 16 * depth; }

struct SharedRowsTable {
  SharedRowsLoops<float> f32;
  SharedRowsLoops<double> f64;
};

template <class Isa> const SharedRowsTable& shared_rows_table() noexcept;

}  // namespace gs
