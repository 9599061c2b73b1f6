// Sums and the largest of a row of numbers, in sixteen partial results side by side: vectors of any width, and the same
// bits on every instruction set.
#pragma once

#include <cstddef>

#include "core/math.hpp"
#include "core/sixteens.hpp"

namespace gs {

/// The sum of term(k) over k < n, one after another.
template <class Real, class Term> HD Real sum_in_order(std::size_t n, const Term& term) {
  Real sum = 0;
#pragma GCC unroll 1
  for (std::size_t k = 0; k < n; ++k) sum += term(k);
  return sum;
}

/// The sum over a row of n, of which the sums of every sixteenth are in sums (16).
template <class Real> HD Real sum_of_lanes(const Real* sums, std::size_t n) {
  return sum_in_order<Real>(n < fold_lanes ? n : fold_lanes, [=](std::size_t l) INLINED { return sums[l]; });
}

/// The sum of term(k) over k < n, of a term that costs little: up to sixteen are added one after another, and so are
/// those behind the last sixteen to the partial sums.
template <class Real, class Term> HD Real sum_over(std::size_t n, const Term& term) {
  if (n <= fold_lanes) return sum_in_order<Real>(n, term);
  Real parts[fold_lanes] = {};
  std::size_t k = 0;
  for (; k + fold_lanes <= n; k += fold_lanes) {
#pragma omp simd
    for (std::size_t l = 0; l < fold_lanes; ++l) parts[l] += term(k + l);
  }
#pragma GCC unroll 1
  for (std::size_t l = 0; k + l < n; ++l) parts[l] += term(k + l);
  return sum_of_lanes(parts, n);
}

namespace {

// Rows of more than sixteen.
template <class Real> HD_CALLED Real sum_of_many(const Real* x, std::size_t n) {
  return sum_over<Real>(n, [=](std::size_t k) INLINED { return x[k]; });
}
template <class Real> HD_CALLED Real dot_of_many(const Real* a, const Real* b, std::size_t n) {
  return sum_over<Real>(n, [=](std::size_t k) INLINED { return a[k] * b[k]; });
}
template <class Real> HD_CALLED Real largest_of_many(const Real* x, std::size_t n) {
  Real parts[fold_lanes], top = x[0];
  for (std::size_t l = 0; l < fold_lanes; ++l) parts[l] = top;
  std::size_t k = 0;
  for (; k + fold_lanes <= n; k += fold_lanes) {
#pragma omp simd
    for (std::size_t l = 0; l < fold_lanes; ++l) parts[l] = larger(parts[l], x[k + l]);
  }
#pragma GCC unroll 1
  for (std::size_t l = 0; l < fold_lanes; ++l) top = larger(top, parts[l]);
#pragma GCC unroll 1
  for (; k < n; ++k) top = larger(top, x[k]);
  return top;
}

/// The sum of e^(x - top) over x (n), none of which is larger than top.
template <class Real> HD_CALLED Real sum_of_exps(const Real* x, Real top, std::size_t n) {
  Real parts[fold_lanes] = {};
  in_sixteens(n, [&](std::size_t k, std::size_t count) INLINED {
    Real numbers[fold_lanes];
    take(x + k, count, numbers);
#pragma omp simd
    for (std::size_t l = 0; l < fold_lanes; ++l) numbers[l] = exp_nonpositive(numbers[l] - top);
    add_to_lanes(parts, numbers, count);
  });
  return sum_of_lanes(parts, n);
}

/// They -> y (n), which may be x.
template <class Real> HD_CALLED void exps_of(const Real* x, Real top, std::size_t n, Real* y) {
  std::size_t k = n / fold_lanes * fold_lanes;
#pragma omp simd
  for (std::size_t i = 0; i < n / fold_lanes * fold_lanes; ++i) y[i] = exp_nonpositive(x[i] - top);
  if (n - k >= fold_lanes / 2) {
#pragma omp simd
    for (std::size_t l = 0; l < fold_lanes / 2; ++l) y[k + l] = exp_nonpositive(x[k + l] - top);
    k += fold_lanes / 2;
  }
#pragma GCC unroll 1
  for (; k < n; ++k) y[k] = exp_nonpositive(x[k] - top);
}

}  // namespace

/// The sum of x (n).
template <class Real> HD Real sum_of(const Real* x, std::size_t n) {
  if (n > fold_lanes) return sum_of_many(x, n);
  return sum_in_order<Real>(n, [=](std::size_t k) INLINED { return x[k]; });
}

/// The sum of a b (n).
template <class Real> HD Real dot_of(const Real* a, const Real* b, std::size_t n) {
  if (n > fold_lanes) return dot_of_many(a, b, n);
  return sum_in_order<Real>(n, [=](std::size_t k) INLINED { return a[k] * b[k]; });
}

/// The largest of x (n), n > 0; NaN if one is.
template <class Real> HD Real largest(const Real* x, std::size_t n) {
  if (n > fold_lanes) return largest_of_many(x, n);
  Real top = x[0];
#pragma GCC unroll 1
  for (std::size_t k = 1; k < n; ++k) top = larger(top, x[k]);
  return top;
}

}  // namespace gs
