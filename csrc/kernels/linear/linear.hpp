// Loops over one row of a linear model: its sum with the weights, and the weights' step along it. The numbers of a row
// lie side by side (dense), or only those that are not 0, each with its column (sparse).
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/isa.hpp"

namespace gs {

/// What one step of stochastic descent does to the weights w (n): w = shrink w + along x, then the truncated gradient
/// of the l1 penalty where q is given. Tsuruoka, Tsujii & Ananiadou 2009, ACL.
template <class Real> struct DenseStep {
  std::size_t n;
  const Real* x;
  const Real* next;   // (n): the row that comes after x
  const Real* ahead;  // (n): a row that comes later, to be fetched meanwhile
  Real* w;
  Real* q;        // (n): the l1 penalty each weight has received; null without one
  Real* average;  // (n): the mean of w over the steps; null without one
  double shrink;
  double total;            // the l1 penalty that every weight could have received
  double take, truncated;  // average += take (w - average) before the penalty, and then truncated x the change by it
  bool counts;             // whether the norms are asked for
};
/// Of weights.
struct Norms {
  double squares, magnitudes;
};
/// Two such steps without l1, one after the other.
template <class Real> struct TwoSteps {
  std::size_t n;
  const Real *x[2], *next[2], *ahead[2];  // (n) each, as in DenseStep
  Real *w, *average;
  double shrink[2], take[2];
  bool counts;  // whether the squares are asked for
};
/// Of the weights after both: their sums with `next`.
struct TwoSums {
  double first, second;
};
/// The sum of both `next` with each other; and the squares of the weights after either.
struct PairSums {
  double across, squares[2];
};

/// The numbers (n) of a row that are not 0, and their columns, which must be below `columns`.
template <class Real> struct SparseRow {
  const Real* values;
  const std::int32_t* columns;
  std::size_t n;
  std::uint32_t width;  // columns of the matrix: the loops give false where a column is not below it
};

/// A step waits for the sum of the last: both ways along rows and sums go in registers, which takes less long.
template <class Real> struct LinearLoops {
  double (*dot)(const Real* w, const Real* x, std::size_t n);
  /// w (n) += along x
  void (*add)(const Real* x, double along, Real* w, std::size_t n);
  /// Gives the sum of the moved weights with `next`; norms: of w before the penalty's truncation.
  double (*step)(const DenseStep<Real>& step, double along, Norms& norms);
  TwoSums (*two_steps)(const TwoSteps<Real>& steps, double first, double second, PairSums& found);
  double (*sparse_dot)(const SparseRow<Real>& x, const Real* w, bool& good);
  /// w += along x; reached: null, or for the norms of the weights that it reached.
  bool (*sparse_add)(const SparseRow<Real>& x, Real along, Real* w, Norms* reached);
  /// The truncated gradient of the l1 penalty for the columns of x; w is kept divided by `scale`.
  bool (*sparse_truncate)(const SparseRow<Real>& x, double total, double scale, Real* w, Real* q);
};
struct LinearTable {
  LinearLoops<float> f32;
  LinearLoops<double> f64;
};

template <class Isa> const LinearTable& linear_table() noexcept;

}  // namespace gs
