// Weighted sums of rows of a matrix that lie far from each other: products with a sparse matrix.
#pragma once

#include "kernels/products/gemm.hpp"
#include "kernels/simd.hpp"

namespace gs {
namespace {

// out's columns [0, n_vectors * lanes), summed in registers. Rows that come soon are asked for.
template <int n_vectors, class Real>
HD void sum_tile(const RowSum<Real>& s, const Real* start, const Real* x, Real* out) {
  using Vector = typename Simd<Real>::Vector;
  constexpr std::size_t lanes = Simd<Real>::lanes, ahead = 4, line = 64 / sizeof(Real);
  Vector sum[n_vectors];
#pragma GCC unroll 4
  for (int j = 0; j < n_vectors; ++j) sum[j] = start ? load(start + j * lanes) : Vector{};
  for (std::size_t k = 0; k < s.count; ++k) {
    if (k + ahead < s.count)
      for (std::size_t j = 0; j < n_vectors * lanes; j += line) __builtin_prefetch(x + s.at[k + ahead] * s.stride + j);
    const Real* const row = x + s.at[k] * s.stride;
    const Real factor = s.factors ? s.factors[k] : Real(1);
#pragma GCC unroll 4
    for (int j = 0; j < n_vectors; ++j) sum[j] += factor * load(row + j * lanes);
  }
#pragma GCC unroll 4
  for (int j = 0; j < n_vectors; ++j) store(out + j * lanes, sum[j]);
}

template <class Real> void sum_rows(const RowSum<Real>& s) {
  constexpr std::size_t lanes = Simd<Real>::lanes;
  std::size_t j = 0;
  const auto start = [&] { return s.start ? s.start + j : nullptr; };
  for (; j + 4 * lanes <= s.n; j += 4 * lanes) sum_tile<4>(s, start(), s.x + j, s.out + j);
  for (; j + lanes <= s.n; j += lanes) sum_tile<1>(s, start(), s.x + j, s.out + j);
  if (j == s.n) return;
  Real sum[lanes];
  const std::size_t rest = s.n - j;
  for (std::size_t i = 0; i < rest; ++i) sum[i] = s.start ? s.start[j + i] : Real(0);
  for (std::size_t k = 0; k < s.count; ++k) {
    const Real* const row = s.x + s.at[k] * s.stride + j;
    const Real factor = s.factors ? s.factors[k] : Real(1);
    for (std::size_t i = 0; i < rest; ++i) sum[i] += factor * row[i];
  }
  for (std::size_t i = 0; i < rest; ++i) s.out[j + i] = sum[i];
}

}  // namespace
}  // namespace gs
