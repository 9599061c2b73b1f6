// Values of fields that come from Python, checked.
#pragma once

#include "core/field_info.hpp"

namespace gs {

/// Throws std::invalid_argument if the value is out of the field's range or not a number.
void check_field(const FieldInfo& field, double value);

}  // namespace gs
