// Targets and names that come from Python, checked.
#pragma once

#include <string>
#include <vector>

#include "activations/all.hpp"
#include "bindings/arrays/arrays.hpp"
#include "core/field_info.hpp"
#include "graph/sparse_input.hpp"
#include "kernels/products/indirection.hpp"

namespace gs {

/// What rows are scored against: rows of numbers, or a class label a row.
struct Targets {
  py::object array;
  const std::byte* data;
  std::size_t row_size, rows;  // bytes a row
  py::object pin = pinned(py::reinterpret_borrow<py::array>(array));
};

/// Rows of numbers, as a data set has them.
struct Inputs {
  py::object array;
  Source source;
  std::size_t rows;
  const std::byte* data;
  py::object pin = pinned(py::reinterpret_borrow<py::array>(array));
  Entries entries{};               // of sparse rows,
  std::vector<py::object> held{};  // whose arrays these are, and what pins them
};

/// (rows, columns), or rows of any shape with as many numbers, of float32, float64, uint8, int32 or int64, in C order.
Inputs check_inputs(py::handle x, const std::string& name, std::size_t columns);
/// An object whose `csr` is a tuple: float values of the network's type, int32 columns, and int64 numbers of the first
/// entry of each row, and of all.
Inputs check_sparse_inputs(py::handle x, const std::string& name, std::size_t columns, Dtype dtype);
/// Throws py::value_error if a number is no row of a table of so many.
void check_ids(const Inputs& inputs, const std::string& name, std::size_t columns, std::size_t limit);

/// (name, default, doc, low, high, low_open, high_open)
py::tuple describe(const FieldInfo& field);

/// A name, or {"kind": name, and settings by the names of the activation's fields}.
ActivationUse parse_activation(const py::handle& given);

}  // namespace gs
