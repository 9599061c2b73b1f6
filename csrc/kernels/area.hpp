// Where a loop over a matrix goes.
#pragma once

#include <cstddef>

namespace gs {

/// Rows of `columns` numbers, `stride` apart.
struct Area {
  std::size_t rows, columns, stride;

  constexpr Area(std::size_t rows, std::size_t columns, std::size_t stride)
      : rows(rows), columns(columns), stride(stride) {}
  /// n numbers side by side.
  constexpr explicit Area(std::size_t n) : Area(1, n, n) {}
};

}  // namespace gs
