// The optimizer loop.
#pragma once

#include <cstddef>

#include "kernels/area.hpp"
#include "kernels/isa.hpp"
#include "optimizers/all.hpp"

namespace gs {

/// What weights and gradients are multiplied by on their way into a rule; 1 where nothing is asked.
struct Factors {
  double keep = 1, scale = 1;  // of w, of g
};

/// One step over an area. update: the rule's Update<Real>; w of Real; g (rows, columns) of Real, without gaps; state:
/// a pointer a slot, each of Real, laid out as w. Nothing overlaps.
using Sweep = void (*)(const void* update, const Factors& factors, void* w, const void* g, void* const* state,
                       const Area& area);

struct SweepTable {
  Sweep sweep[Optimizers::size][2];  // [rule][Real: float, double]
};

template <class Isa> const SweepTable& sweep_table() noexcept;

}  // namespace gs
