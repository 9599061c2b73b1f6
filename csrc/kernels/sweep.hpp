// The optimizer loop.
#pragma once

#include <cstddef>

#include "kernels/isa.hpp"
#include "optimizers/all.hpp"

namespace gs {

/// One step over n contiguous elements. update: the rule's Update<Real>; w, g (n) of Param; state: a pointer a slot,
/// each (n) of Real. Nothing overlaps.
using Sweep = void (*)(const void* update, void* w, const void* g, void* const* state, std::size_t n);

struct SweepTable {
  Sweep sweep[Optimizers::size][2];  // [rule][dtype]
};

template <class Isa> const SweepTable& sweep_table() noexcept;

}  // namespace gs
