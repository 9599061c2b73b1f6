// Penalties and constraints of weights, as they come from Python.
#pragma once

#include <vector>

#include "bindings/arrays/arrays.hpp"
#include "graph/weight_attributes.hpp"

namespace gs {

/// {l1, proximal, l2, orthogonal, of_rows}, each key if it is wanted.
Penalty parse_penalty(const py::dict& given);

/// {"trainable": bool, "updated": bool, "penalty": {...}, "constraint": {kind, low, high, rate, axis}}, each key if it
/// is wanted; or None.
WeightAttributes parse_weight_attributes(const py::handle& given);

}  // namespace gs
