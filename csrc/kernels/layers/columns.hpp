// Loops over the rows of a batch with numbers for each column: batch normalization, and PReLU.
#pragma once

#include <cstddef>

#include "kernels/isa.hpp"

namespace gs {

/// x (rows, n) of row length n -> y = (x - center) factor + shift; each of the three (n), or null for none. y may be x.
template <class Real>
using AffineColumns = void (*)(const Real* x, const Real* center, const Real* factor, const Real* shift,
                               std::size_t rows, std::size_t n, Real* y);

/// Of a batch (rows, columns) of row length ld, column by column: xhat = (x - mean) inverse with inverse = 1 /
/// sqrt(variance + epsilon), y = gamma xhat + beta. gamma and beta (columns) may be null. The moving statistics
/// (columns) are kept by `momentum`. x may be xhat; inverse (columns).
template <class Real> struct BatchStatistics {
  const Real *gamma, *beta;
  Real *moving_mean, *moving_variance, *inverse;
  double momentum, epsilon;
};
template <class Real>
using BatchForward = void (*)(const Real* x, const BatchStatistics<Real>& s, std::size_t rows, std::size_t columns,
                              std::size_t ld, Real* xhat, Real* y);
/// dy, xhat (rows, columns) -> dgamma, dbeta (columns), and dx (rows, columns) unless it is null
template <class Real>
using BatchBackward = void (*)(const Real* dy, const Real* xhat, const BatchStatistics<Real>& s, std::size_t rows,
                               std::size_t columns, std::size_t ld, Real* dgamma, Real* dbeta, Real* dx);

/// The steps of the same for some of the rows (rows, n) of a batch. Sums (n) of x times `times`, of x if that is null,
/// or of (x - mean)^2 if mean (n) is given.
template <class Real>
using BatchSums = void (*)(const Real* x, const Real* times, const double* mean, std::size_t rows, std::size_t n,
                           double* sums);
/// xhat = (x - mean) inverse, y = gamma xhat + beta; mean (n). x may be xhat.
template <class Real>
using BatchApply = void (*)(const Real* x, const Real* mean, const BatchStatistics<Real>& s, std::size_t rows,
                            std::size_t n, Real* xhat, Real* y);
/// dx, by the means (n) of dy and of dy xhat
template <class Real>
using BatchSlopes = void (*)(const Real* dy, const Real* xhat, const Real* mean, const Real* along,
                             const BatchStatistics<Real>& s, std::size_t rows, std::size_t n, Real* dx);

/// x (rows, n), alpha (n) -> y = x where x > 0, else alpha x
template <class Real>
using LeakForward = void (*)(const Real* x, const Real* alpha, std::size_t rows, std::size_t n, Real* y);
/// dy -> dx unless it is null; x becomes dy min(x, 0), whose column sums are dalpha.
template <class Real>
using LeakBackward = void (*)(const Real* dy, const Real* alpha, std::size_t rows, std::size_t n, Real* x, Real* dx);

template <class Real> struct ColumnLoops {
  AffineColumns<Real> affine;
  BatchForward<Real> batch_forward;
  BatchBackward<Real> batch_backward;
  BatchSums<Real> batch_sums;
  BatchApply<Real> batch_apply;
  BatchSlopes<Real> batch_slopes;
  LeakForward<Real> leak_forward;
  LeakBackward<Real> leak_backward;
};
struct ColumnsTable {
  ColumnLoops<float> f32;
  ColumnLoops<double> f64;
};

template <class Isa> const ColumnsTable& columns_table() noexcept;

}  // namespace gs
