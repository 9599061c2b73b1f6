// Loops over a row in steps of sixteen numbers: vectors of any width, and no other code for what is left at the end.
// The last step of a row is filled up with zeros.
#pragma once

#include <cstddef>
#include <cstring>

#include "core/portable.hpp"

namespace gs {

inline constexpr std::size_t fold_lanes = 16;

/// How many numbers a loop over `count` of sixteen goes through: whole vectors, but where a thread has one at a time.
HD std::size_t lanes_for([[maybe_unused]] std::size_t count) {
#if defined(__CUDA_ARCH__)
  return count;
#else
  return fold_lanes;
#endif
}

/// step(k, count) for the numbers from k on, of which count are there: sixteen, or in the end fewer.
template <class Step> HD void in_sixteens(std::size_t n, const Step& step) {
  for (std::size_t k = 0; k < n; k += fold_lanes) step(k, n - k < fold_lanes ? n - k : fold_lanes);
}

/// row(k), row(k + 1), ... -> to (16)
template <class Real, class Row> HD void take(const Row& row, std::size_t k, std::size_t count, Real* RESTRICT to) {
  if (count == fold_lanes) {
#pragma omp simd
    for (std::size_t l = 0; l < fold_lanes; ++l) to[l] = row(k + l);
  } else {
#pragma omp simd
    for (std::size_t l = 0; l < fold_lanes; ++l) to[l] = 0;
#pragma GCC unroll 1
    for (std::size_t l = 0; l < count; ++l) to[l] = row(k + l);
  }
}

/// The first `count` of from -> to; count < 16. In eight, four, two and one.
template <class Real> HD void copy_few(const Real* RESTRICT from, std::size_t count, Real* RESTRICT to) {
  const std::size_t at_4 = count & 8, at_2 = count & 12, at_1 = count & 14;
  if (count & 8) std::memcpy(to, from, 8 * sizeof(Real));
  if (count & 4) std::memcpy(to + at_4, from + at_4, 4 * sizeof(Real));
  if (count & 2) std::memcpy(to + at_2, from + at_2, 2 * sizeof(Real));
  if (count & 1) to[at_1] = from[at_1];
}

namespace {

template <class Real> HD_CALLED void give_few(const Real* RESTRICT from, std::size_t count, Real* RESTRICT to) {
  copy_few(from, count, to);
}

/// from (count) -> to (16), with zeros behind them; count < 16
template <class Real> HD_CALLED void take_few(const Real* RESTRICT from, std::size_t count, Real* RESTRICT to) {
  std::memset(to, 0, fold_lanes * sizeof(Real));
  copy_few(from, count, to);
}

}  // namespace

/// from (count) -> to (16)
template <class Real> HD void take(const Real* RESTRICT from, std::size_t count, Real* RESTRICT to) {
  if (count == fold_lanes)
    std::memcpy(to, from, fold_lanes * sizeof(Real));
  else
    take_few(from, count, to);
}

/// The first `count` of from (16) -> to
template <class Real> HD void give(const Real* RESTRICT from, std::size_t count, Real* RESTRICT to) {
  if (count == fold_lanes)
    std::memcpy(to, from, fold_lanes * sizeof(Real));
  else
    give_few(from, count, to);
}

/// sums (16) += from (16), of which the first `count` are there
template <class Real> HD void add_to_lanes(Real* RESTRICT sums, const Real* RESTRICT from, std::size_t count) {
  if (count == fold_lanes) {
#pragma omp simd
    for (std::size_t l = 0; l < fold_lanes; ++l) sums[l] += from[l];
  } else {
#pragma GCC unroll 1
    for (std::size_t l = 0; l < count; ++l) sums[l] += from[l];
  }
}

}  // namespace gs
