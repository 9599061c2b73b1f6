// The numbers of a value, as the operations of a schedule take them.
#pragma once

#include <cstddef>

#include "kernels/products/indirection.hpp"

namespace gs {

/// rows x columns numbers side by side. Without memory it is one that nobody wants.
template <class Real> struct Matrix {
  Real* at = nullptr;
  std::size_t rows = 0, columns = 0;

  std::size_t size() const { return rows * columns; }
  explicit operator bool() const { return at != nullptr; }
};

/// The same numbers in rows of another length.
template <class Real> Matrix<Real> reshaped(Matrix<Real> matrix, std::size_t columns) {
  return matrix ? Matrix<Real>{matrix.at, matrix.size() / columns, columns} : matrix;
}

/// Numbers to be read, by pointers to their rows: of a matrix, or of a data set where it lies.
struct Rows {
  IndirectionBuffer pointers;
  const void* memory = nullptr;  // the matrix; null: a data set
  std::size_t count = 0, columns = 0;
};

}  // namespace gs
