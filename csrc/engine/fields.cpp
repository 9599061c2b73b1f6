#include "engine/fields.hpp"

#include <cstdio>
#include <stdexcept>

namespace gs {

bool in_range(const FieldInfo& f, double value) {
  const bool above = f.low_open ? value > f.low : value >= f.low;
  const bool below = f.high_open ? value < f.high : value <= f.high;
  return above && below;  // false for NaN
}

void check_field(const FieldInfo& f, double value) {
  if (in_range(f, value)) return;
  char text[256];
  std::snprintf(text, sizeof text, "%s must be a number in %c%g, %g%c; got %.17g.", f.name, f.low_open ? '(' : '[',
                f.low, f.high, f.high_open ? ')' : ']', value);
  throw std::invalid_argument(text);
}

}  // namespace gs
