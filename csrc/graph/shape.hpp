// Shapes of values and of weights.
#pragma once

#include <cstddef>
#include <functional>
#include <numeric>
#include <vector>

namespace gs {

/// Of a value without its batch axis; or of a weight.
using Shape = std::vector<std::size_t>;
using Shapes = std::vector<Shape>;

/// How many numbers those of a shape are.
inline std::size_t size_of(const Shape& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::size_t(1), std::multiplies<>());
}

/// As a matrix of vectors along the last axis.
inline std::size_t last_of(const Shape& shape) { return shape.empty() ? 1 : shape.back(); }
inline std::size_t rows_of(const Shape& shape) { return shape.empty() ? 1 : size_of(shape) / last_of(shape); }

}  // namespace gs
