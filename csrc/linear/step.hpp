// What steps along a row and steps by a batch have in common.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>

#include "core/portable.hpp"
#include "linear/descent.hpp"

namespace gs {

/// w = shrink w + along x, with `cut` more of l1's penalty to receive; average += take (w - average).
template <class Real> struct LinearDescent<Real>::Step {
  double eta, shrink, cut, take;
  bool averages;
  double along = 0;
};

/// In a shuffled order no prefetcher sees which row comes: rows so far ahead are asked for into the second cache, for
/// the first can wait for few lines at a time, and then loads wait too. A processor that has much to wait for drops
/// some of these; so rows that come soon are asked for again, into the first cache.
constexpr std::int64_t rows_ahead = 24, rows_soon = 8;

/// Begins to move memory into a cache: 3 for the first, 2 for the second.
template <int cache> HD void fetch_bytes(const void* from, std::size_t bytes) {
  constexpr std::size_t line = 64;
#pragma GCC unroll 8
  for (std::size_t at = 0; at < bytes; at += line) __builtin_prefetch(static_cast<const char*>(from) + at, 0, cache);
  __builtin_prefetch(static_cast<const char*>(from) + bytes - 1, 0, cache);
}

/// A slope as scikit-learn bounds it.
inline double bounded_slope(double slope) {
  constexpr double largest = 1e12;
  return slope < -largest ? -largest : slope > largest ? largest : slope;
}

/// The indices of a sparse row lie within the matrix.
inline void check(bool good, const char* what) {
  if (!good) throw std::out_of_range(what);
}

template <class Real> inline bool LinearDescent<Real>::sparse_row(std::int64_t row, SparseRow<Real>& found) const {
  const std::int64_t from = rows_.starts[row], to = rows_.starts[row + 1];
  if (from < 0 || to < from || to > rows_.stored) return false;
  found = {rows_.x + from, rows_.where + from, std::size_t(to - from), std::uint32_t(rows_.columns)};
  return true;
}

/// Begins to move the numbers of a row into the cache, or of a sparse one the first of them. Always inlined: a function
/// that only fetches has no effect that compilers know of, and they drop calls of it.
template <class Real> template <int cache> HD void LinearDescent<Real>::fetch_target(std::int64_t row) const {
  __builtin_prefetch(rows_.y + row, 0, cache);
  __builtin_prefetch(rows_.sample_weight + row, 0, cache);
}
template <class Real> template <int cache> HD void LinearDescent<Real>::fetch_row(std::int64_t row) const {
  fetch_target<cache>(row);
  if (!rows_.starts)
    return fetch_bytes<cache>(rows_.x + row * rows_.columns, std::size_t(rows_.columns) * sizeof(Real));
  SparseRow<Real> x;
  if (!sparse_row(row, x)) return;
  const std::size_t some = std::min(x.n, std::size_t(256));
  fetch_bytes<cache>(x.values, some * sizeof(Real));
  fetch_bytes<cache>(x.columns, some * sizeof(std::int32_t));
}

}  // namespace gs
