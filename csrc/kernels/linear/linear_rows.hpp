// Loops over blocks of rows of a linear model: sums of rows with coefficients, losses of the sums, and back to the
// coefficients. All numbers are double; a matrix of float is widened in registers.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/isa.hpp"

namespace gs {

/// x (rows, n), rows ld numbers apart.
template <class Real> struct DenseRows {
  const Real* x;
  std::size_t ld, rows, n;
};
/// Row i has the numbers [starts[i], starts[i + 1]) of values and columns, which must be below `width`: the loops
/// return false where one is not.
template <class Real> struct SparseRows {
  const Real* values;
  const std::int32_t *columns, *starts;
  std::size_t rows;
  std::uint32_t width;
};

template <class Real> struct LinearRowsLoops {
  /// w (n) -> p (rows) = start + x w
  void (*margins)(const DenseRows<Real>& x, const double* w, double start, double* p);
  /// r (rows) -> g (n) += x^T r
  void (*accumulate)(const DenseRows<Real>& x, const double* r, double* g);
  bool (*sparse_margins)(const SparseRows<Real>& x, const double* w, double start, double* p);
  bool (*sparse_accumulate)(const SparseRows<Real>& x, const double* r, double* g);
  /// centre (n), to (n) = by (x - centre), of one row of n numbers
  void (*lift)(const Real* x, const double* centre, double by, std::size_t n, double* to);
};

/// Losses of n sums p with targets y, which count s each (null: 1): gives sum s loss; r = s loss', h = s loss''.
struct SumLosses {
  const double *y, *s, *p;
  double *r, *h;
  std::size_t n;
  double at;     // the width of an epsilon-insensitive loss or of Huber's
  double scale;  // of the residuals of Huber's
};
/// p (classes, n) with row stride ld -> r, and h the probabilities; y: numbers of classes. room (2, n).
struct SoftmaxSums {
  const double *y, *s, *p;
  double *r, *h, *room;
  std::size_t n, classes, ld;
};

enum class SumLoss { log_loss, squared_hinge, squared_error, squared_epsilon_insensitive, huber, softmax };

struct LinearRowsTable {
  LinearRowsLoops<float> f32;
  LinearRowsLoops<double> f64;
  double (*losses[5])(const SumLosses& rows);  // by SumLoss
  double (*softmax)(const SoftmaxSums& rows);
};

template <class Isa> const LinearRowsTable& linear_rows_table() noexcept;

}  // namespace gs
