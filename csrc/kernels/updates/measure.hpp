// The first pass of rules that need sums over all elements; the second is the sweep.
#pragma once

#include <cstddef>

#include "kernels/isa.hpp"
#include "kernels/updates/sweep.hpp"
#include "optimizers/all.hpp"

namespace gs {

/// Sums that are made side by side: element i goes to lane i % sum_lanes. Their number is part of the result.
inline constexpr std::size_t sum_lanes = 32;

/// w, g (n) of Real -> lanes (rule's sums, sum_lanes), to which is added. measure: the rule's Measure<Real>; state: as
/// a Sweep has it, and moves as the rule says.
using Measure = void (*)(const void* measure, const Factors& factors, const void* w, const void* g, void* const* state,
                         std::size_t n, double* lanes);

struct MeasureTable {
  Measure sweep[Optimizers::size][2];  // [rule][Real: float, double]; null for a rule that needs none
  // Of float, with the state in less, as in SweepTable; they begin with a block of 256.
  Measure halved[Optimizers::size], packed[Optimizers::size];
};

template <class Isa> const MeasureTable& measure_table() noexcept;

}  // namespace gs
