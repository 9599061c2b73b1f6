// Weights of a network that Python keeps.
#pragma once

#include <pybind11/pybind11.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "bindings/arrays/arrays.hpp"
#include "bindings/arrays/data_set.hpp"
#include "bindings/models/network_parts.hpp"
#include "runtime/buffer.hpp"

namespace gs {

using Arrays = std::vector<std::vector<py::array>>;  // by layer

/// Where the weights of layers lie that Python keeps.
template <class Real>
std::vector<std::vector<Real*>> check_kept(const std::vector<AnyLayer>& layers, const Arrays& kept) {
  const auto wanted = shapes(layers);
  std::vector<std::vector<Real*>> all;
  if (kept.size() != wanted.size()) throw py::value_error("kept must have a list for each layer.");
  for (std::size_t k = 0; k < kept.size(); ++k) {
    if (kept[k].size() != wanted[k].size()) throw py::value_error("kept must have an array for each weight.");
    all.emplace_back();
    for (std::size_t i = 0; i < kept[k].size(); ++i) {
      const py::array& array = kept[k][i];
      const std::string name = "kept[" + std::to_string(k) + "][" + std::to_string(i) + "]";
      const auto& shape = wanted[k][i];
      if (!has_dtype<Real>(array) || !(array.flags() & py::array::c_style))
        throw py::type_error(name + " must be of the network's dtype, in C order.");
      check_writable(array, name);
      if (!std::equal(shape.begin(), shape.end(), array.shape(), array.shape() + array.ndim()))
        throw py::value_error(name + " has shape " + shape_text(array) + ".");
      const bool is_read_elsewhere = std::holds_alternative<External>(layers[k]);
      if (!is_read_elsewhere && reinterpret_cast<std::uintptr_t>(array.data()) % alignment)
        throw py::value_error(name + " must be aligned to " + std::to_string(alignment) + " bytes.");
      all.back().push_back(data<Real>(array));
    }
  }
  return all;
}

}  // namespace gs
