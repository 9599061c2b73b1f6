// Asking for memory before it is read.
#pragma once

#include <cstddef>

#include "core/portable.hpp"
#include "kernels/products/matrix_layout.hpp"

namespace gs {

/// Begins to move a part of a matrix into the second cache. Inlined: GCC leaves out calls of a function that only does
/// this.
template <class Real> HD void fetch(const Real* at, const MatrixLayout& layout) {
  constexpr std::size_t line = 64 / sizeof(Real);
  for (std::size_t i = 0; i < layout.rows; ++i, at += layout.stride) {
    for (std::size_t j = 0; j < layout.columns; j += line) __builtin_prefetch(at + j, 0, 2);
    __builtin_prefetch(at + layout.columns - 1, 0, 2);
  }
}

}  // namespace gs
