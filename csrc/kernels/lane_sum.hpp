// Sums along a row.
#pragma once

#include <cstddef>

#include "core/portable.hpp"

namespace gs {
namespace {

/// term(j), j in [0, n), in this many partial sums whatever the width of registers: the same bits on every instruction
/// set.
template <class Total, class Term> HD Total lane_sum(std::size_t n, Term term) {
  constexpr std::size_t lanes = 16;
  Total parts[lanes] = {};
  std::size_t j = 0;
  for (; j + lanes <= n; j += lanes) {
#pragma omp simd
    for (std::size_t l = 0; l < lanes; ++l) parts[l] += term(j + l);
  }
  for (std::size_t l = 0; j + l < n; ++l) parts[l] += term(j + l);
  Total whole = 0;
  for (const Total part : parts) whole += part;
  return whole;
}

}  // namespace
}  // namespace gs
