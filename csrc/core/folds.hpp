// Sums and the largest of a row of numbers, in sixteen partial results side by side: vectors of any width, and the same
// bits on every instruction set.
#pragma once

#include <cstddef>

#include "core/math.hpp"

namespace gs {

inline constexpr std::size_t fold_lanes = 16;

/// The sum of term(k) over k < n, one after another.
template <class Real, class Term> HD Real sum_in_order(std::size_t n, const Term& term) {
  Real sum = 0;
#pragma GCC unroll 1
  for (std::size_t k = 0; k < n; ++k) sum += term(k);
  return sum;
}

/// The sum of term(k) over k < n. Up to sixteen terms are added one after another. cheap: whether the terms behind the
/// last sixteen, and rows of fewer, are better added one by one; else they are vectors too, as far as that goes.
template <class Real, bool cheap = false, class Term> HD Real sum_over(std::size_t n, const Term& term) {
  if (cheap && n <= fold_lanes) return sum_in_order<Real>(n, term);
  Real parts[fold_lanes] = {};
  std::size_t k = 0;
  for (; cheap && k + fold_lanes <= n; k += fold_lanes) {
#pragma omp simd
    for (std::size_t l = 0; l < fold_lanes; ++l) parts[l] += term(k + l);
  }
  if constexpr (cheap) {
#pragma GCC unroll 1
    for (std::size_t l = 0; k + l < n; ++l) parts[l] += term(k + l);
  } else {
    for (; k < n; k += fold_lanes) {
      const std::size_t count = n - k < fold_lanes ? n - k : fold_lanes;
#pragma omp simd
      for (std::size_t l = 0; l < count; ++l) parts[l] += term(k + l);
    }
  }
  return sum_in_order<Real>(n < fold_lanes ? n : fold_lanes, [&](std::size_t l) INLINED { return parts[l]; });
}

namespace {

// Rows of more than sixteen.
template <class Real> HD_CALLED Real sum_of_many(const Real* x, std::size_t n) {
  return sum_over<Real, true>(n, [=](std::size_t k) INLINED { return x[k]; });
}
template <class Real> HD_CALLED Real dot_of_many(const Real* a, const Real* b, std::size_t n) {
  return sum_over<Real, true>(n, [=](std::size_t k) INLINED { return a[k] * b[k]; });
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
  const auto term = [=](std::size_t k) INLINED { return exp_nonpositive(x[k] - top); };
  return n < fold_lanes ? sum_in_order<Real>(n, term) : sum_over<Real>(n, term);
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
