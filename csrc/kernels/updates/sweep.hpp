// The optimizer loop.
#pragma once

#include <cstddef>

#include "core/dtype.hpp"
#include "kernels/isa.hpp"
#include "kernels/products/matrix_layout.hpp"
#include "optimizers/all.hpp"

namespace gs {

/// What weights and gradients are multiplied by on their way into a rule; 1 where nothing is asked.
struct Factors {
  double decay = 1, scale = 1;  // of w, of g
};

/// Whether a factor of a gradient is the same in `real`, for all that counts. A clipped norm may leave so little of a
/// float that the factor is none: then it is taken in parts, as the product is a number again.
HD bool holds(Dtype real, double factor) {
  const double size = factor < 0 ? -factor : factor;
  return real == Dtype::f64 || size == 0 || (size > 0x1p-100 && size < 0x1p100) || !(size < inf);
}

/// One step over a matrix, or a part of one. update: the rule's Update<Real>; w of Real; g (rows, columns) of Real,
/// without gaps; state: a pointer a slot, each of Real, laid out as w. Nothing overlaps.
using Sweep = void (*)(const void* update, const Factors& factors, void* w, const void* g, void* const* state,
                       const MatrixLayout& layout);

/// What a rule's state is kept in: its Real; or, where that is float, bfloat16 or 8 bits.
enum class Storage { real, bf16, int8 };

struct SweepTable {
  Sweep sweep[Optimizers::size][2];  // [rule][Real: float, double]
  // Of float, with the state in less: a slot's words of bfloat16; or its codes of 8 bits, and after all of these their
  // scales, one for 256 numbers. Then the step's Dither, and the position in its array of the first number. A matrix
  // of codes is one row, and begins with a block.
  Sweep halved[Optimizers::size], packed[Optimizers::size];  // [rule]
};

template <class Isa> const SweepTable& sweep_table() noexcept;

}  // namespace gs
