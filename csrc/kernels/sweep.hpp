// The optimizer loop.
#pragma once

#include <cstddef>

#include "kernels/area.hpp"
#include "kernels/isa.hpp"
#include "optimizers/all.hpp"

namespace gs {

/// One step over an area. update: the rule's Update<Real>; w of Param; g (rows, columns) of Param, without gaps; state:
/// a pointer a slot, each of Real, laid out as w. Nothing overlaps.
using Sweep = void (*)(const void* update, void* w, const void* g, void* const* state, const Area& area);

struct SweepTable {
  Sweep sweep[Optimizers::size][2];  // [rule][dtype]
};

template <class Isa> const SweepTable& sweep_table() noexcept;

}  // namespace gs
