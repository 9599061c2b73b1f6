#include "bindings/optimizers/fields.hpp"

#include <cstdio>
#include <stdexcept>

namespace gs {

void check_field(const FieldInfo& f, double value) {
  if (f.admits(value)) return;
  char text[256];
  std::snprintf(text, sizeof text, "%s must be a number in %c%g, %g%c; got %.17g.", f.name, f.low_open ? '(' : '[',
                f.low, f.high, f.high_open ? ')' : ']', value);
  throw std::invalid_argument(text);
}

}  // namespace gs
