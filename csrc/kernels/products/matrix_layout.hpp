// How a matrix, or a part of one, lies in memory.
#pragma once

#include <cstddef>

namespace gs {

/// `rows` rows of `columns` numbers, `stride` apart.
struct MatrixLayout {
  std::size_t rows, columns, stride;

  constexpr MatrixLayout(std::size_t rows, std::size_t columns, std::size_t stride)
      : rows(rows), columns(columns), stride(stride) {}
  /// n numbers side by side.
  constexpr explicit MatrixLayout(std::size_t n) : MatrixLayout(1, n, n) {}
};

}  // namespace gs
