// The first pass of rules that need sums over all elements; the second is the sweep.
#pragma once

#include <cstddef>

#include "kernels/isa.hpp"
#include "kernels/sweep.hpp"
#include "optimizers/all.hpp"

namespace gs {

/// Sums that are made side by side: element i goes to lane i % sum_lanes. Their number is part of the result.
inline constexpr std::size_t sum_lanes = 32;

/// w, g, a slot each of state (n) of Real -> lanes (rule's sums, sum_lanes), to which is added; slots move as the rule
/// says. measure: the rule's Measure<Real>.
using Measure = void (*)(const void* measure, const Factors& factors, const void* w, const void* g, void* const* state,
                         std::size_t n, double* lanes);

struct MeasureTable {
  Measure measure[Optimizers::size][2];  // [rule][Real: float, double]; null for a rule that needs none
};

template <class Isa> const MeasureTable& measure_table() noexcept;

}  // namespace gs
