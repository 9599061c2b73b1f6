// What an activation says: value(x), and derivative(x, y), at x where y = value(x); its settings as fields.
// `uses_input` says that derivative reads x, so that x must be kept; `rowwise` ones work on a whole row at once.
#pragma once

#include <array>
#include <cstddef>

#include "core/describe.hpp"
#include "core/math.hpp"

namespace gs {

struct Unset {
  static constexpr std::array<Field<Unset>, 0> fields() { return {}; }
};
struct Elementwise : Unset {
  static constexpr bool rowwise = false, uses_input = false;
};
struct ElementwiseOfInput : Unset {
  static constexpr bool rowwise = false, uses_input = true;
};
struct Rowwise : Unset {
  static constexpr bool rowwise = true, uses_input = false;
};

}  // namespace gs
