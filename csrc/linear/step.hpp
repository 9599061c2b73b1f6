// What steps along a row and steps by a batch have in common.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>

#include "linear/descent.hpp"

namespace gs {

/// w = shrink w + along x, with `cut` more of l1's penalty to receive; average += take (w - average).
template <class Real> struct LinearDescent<Real>::Step {
  double eta, shrink, cut, take;
  bool averages;
  double along = 0;
};

/// In a shuffled order no prefetcher sees which row comes: rows so far ahead are asked for.
constexpr std::int64_t rows_ahead = 12;

/// Begins to move memory into the second cache: the first can wait for few lines at a time, and then loads wait too.
inline void fetch_bytes(const void* from, std::size_t bytes) {
  constexpr std::size_t line = 64;
  for (std::size_t at = 0; at < bytes; at += line) __builtin_prefetch(static_cast<const char*>(from) + at, 0, 2);
  __builtin_prefetch(static_cast<const char*>(from) + bytes - 1, 0, 2);
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

}  // namespace gs
