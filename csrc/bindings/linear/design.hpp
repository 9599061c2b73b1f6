// The arrays of a linear model's data: checked, and kept alive and in place while they are read.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <string>
#include <vector>

#include "bindings/arrays/arrays.hpp"
#include "bindings/arrays/released.hpp"
#include "linear/design.hpp"

namespace gs {

class KeptArrays {
 public:
  /// Of T in C order and of shape (rows, columns), or (rows,) where columns is -1; rows -1: any.
  template <class T>
  py::array keep(py::handle object, const std::string& name, std::int64_t columns, std::int64_t rows = -1) {
    py::array array = check_rows<T>(object, name, columns);
    if (rows >= 0 && array.shape(0) != rows)
      throw py::value_error(name + " must have " + std::to_string(rows) + " rows; its shape is " + shape_text(array) +
                            ".");
    pins_.push_back(pinned(array));
    arrays_.push_back(array);
    return array;
  }
  /// The numbers of a vector.
  template <class T> const T* vector(py::handle object, const std::string& name, std::int64_t rows) {
    return reinterpret_cast<const T*>(bytes(keep<T>(object, name, -1, rows)));
  }
  template <class T> const T* vector_or_null(py::handle object, const std::string& name, std::int64_t rows) {
    return object.is_none() ? nullptr : vector<T>(object, name, rows);
  }

  /// x (rows, columns), or (data, indices, indptr) of a CSR matrix with int32 indices, of so many columns.
  template <class Real> Design<Real> design(const py::object& x, std::int64_t rows, std::int64_t columns) {
    Design<Real> made;
    made.rows = rows;
    made.columns = columns;
    if (!py::isinstance<py::tuple>(x)) {
      made.x = reinterpret_cast<const Real*>(bytes(keep<Real>(x, "X", columns, rows)));
      return made;
    }
    const auto parts = x.cast<py::tuple>();
    if (parts.size() != 3) throw py::value_error("X must be an array, or data, indices and indptr in a tuple.");
    const py::array values = keep<Real>(parts[0], "X.data", -1);
    made.stored = values.shape(0);
    made.x = reinterpret_cast<const Real*>(bytes(values));
    made.where = vector<std::int32_t>(parts[1], "X.indices", made.stored);
    made.starts = vector<std::int32_t>(parts[2], "X.indptr", rows + 1);
    return made;
  }

 private:
  std::vector<py::object> arrays_, pins_;
};

/// Whether the numbers of X are float32.
inline bool is_single(const py::object& x) {
  const py::object numbers = py::isinstance<py::tuple>(x) ? py::object(x.cast<py::tuple>()[0]) : x;
  return float_dtype(as_array(numbers, "X"), "X") == Dtype::f32;
}

/// work(), without the interpreter's lock; ValueError where the matrix is none.
template <class Work> auto over_design(Work work) {
  try {
    return released(work);
  } catch (const std::out_of_range& error) {
    throw py::value_error(std::string("X.") + error.what() + " must lie within its shape; they do not, or changed.");
  }
}

}  // namespace gs
