// Loops over the lower triangle of a symmetric matrix of doubles. Eight rows make a group; each of them is as long as
// the last, with zeros from its diagonal on, and the diagonal lies apart. Vectors are as in
// kernels/minimize/vectors.hpp.
#pragma once

#include <cstddef>

#include "core/portable.hpp"
#include "kernels/minimize/vectors.hpp"

namespace gs {

/// How many numbers a row has, and where it begins.
HD constexpr std::size_t triangle_length(std::size_t row) { return (row / vector_lanes + 1) * vector_lanes; }
HD constexpr std::size_t triangle_begin(std::size_t row) {
  const std::size_t group = row / vector_lanes;
  return vector_lanes * vector_lanes * (group * (group + 1) / 2) + row % vector_lanes * triangle_length(row);
}

/// The rows from `first` to `last`, whole groups, and the columns that mirror them.
struct TriangleRows {
  double *below, *diagonal;
  std::size_t first, last;
};

struct SymmetricTable {
  /// A += s u' + u s'
  void (*update)(const TriangleRows& rows, const double* s, const double* u);
  /// x (n) -> y (n) += A x
  void (*multiply)(const TriangleRows& rows, const double* x, double* y);
  /// A += s u' + u s', and then with x (2, n) -> y (2, n) += A x; s null: A as it is
  void (*update_and_multiply)(const TriangleRows& rows, const double* s, const double* u, const double* const x[2],
                              double* const y[2]);
};

template <class Isa> const SymmetricTable& symmetric_table() noexcept;

}  // namespace gs
