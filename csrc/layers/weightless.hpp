// What a layer without weights says of them.
#pragma once

#include <array>
#include <cstddef>

namespace gs {

/// Rows and columns of each weight; a vector has 0 rows.
using Shapes = std::array<std::array<std::size_t, 2>, 4>;

struct Weightless {
  static constexpr Shapes weights() { return {}; }
  static constexpr std::size_t n_weights() { return 0; }
};

}  // namespace gs
