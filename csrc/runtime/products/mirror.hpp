// The other triangle of a symmetric matrix.
#pragma once

#include <algorithm>
#include <cstddef>

namespace gs {

/// from (rows, columns) with row stride ld -> to (columns, rows), transposed, with row stride ld_to; of a block on the
/// diagonal the lower triangle alone. In squares, whose lines a cache holds.
template <class Real>
void mirror(const Real* from, std::size_t ld, std::size_t rows, std::size_t columns, bool is_on_diagonal, Real* to,
            std::size_t ld_to) {
  constexpr std::size_t square = 16;
  for (std::size_t j = 0; j < columns; j += square)
    for (std::size_t i = is_on_diagonal ? j : 0; i < rows; i += square) {
      const std::size_t end = std::min(rows, i + square);
      for (std::size_t c = j; c < std::min(columns, j + square); ++c)
        for (std::size_t r = is_on_diagonal ? std::max(i, c) : i; r < end; ++r) to[c * ld_to + r] = from[r * ld + c];
    }
}

}  // namespace gs
