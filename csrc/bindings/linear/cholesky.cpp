// The Cholesky factor, its inverse and what is solved by it: in place.
#include <pybind11/pybind11.h>

#include <string>

#include "bindings/arrays/arrays.hpp"
#include "bindings/arrays/released.hpp"
#include "bindings/module.hpp"
#include "runtime/products/cholesky.hpp"

namespace gs {
namespace {

/// A matrix that is written in place: in C order.
py::array check_in_place(py::handle object, const std::string& name, Dtype& dtype) {
  py::array array = as_array(object, name);
  dtype = float_dtype(array, name);
  if (array.ndim() != 2 || !(array.flags() & py::array::c_style))
    throw py::value_error(name + " must be a matrix in C order; its shape is " + shape_text(array) + ".");
  check_writable(array, name);
  return array;
}

py::array check_square(py::handle object, const std::string& name, Dtype& dtype) {
  py::array array = check_in_place(object, name, dtype);
  if (array.shape(0) != array.shape(1))
    throw py::value_error(name + " must have as many rows as columns; its shape is " + shape_text(array) + ".");
  return array;
}

template <class Work> void in_team(std::size_t n, Work work) {
  constexpr std::size_t worth = 128;  // columns that another thread is worth
  released([&] { ThreadTeam::run(threads_for(n / worth + 1), work); });
}

std::size_t factor(py::handle given) {
  Dtype dtype;
  const py::array a = check_square(given, "a", dtype);
  const auto n = std::size_t(a.shape(0));
  std::size_t done = 0;
  const auto run = [&](auto* at) { in_team(n, [&](ThreadTeam& team) { done = cholesky(at, n, team); }); };
  dtype == Dtype::f32 ? run(reinterpret_cast<float*>(bytes(a))) : run(reinterpret_cast<double*>(bytes(a)));
  return done;
}

void solve(py::handle given, py::handle given_b) {
  Dtype dtype, of_b;
  const py::array l = check_square(given, "factor", dtype), b = check_in_place(given_b, "b", of_b);
  if (of_b != dtype)
    throw py::type_error("b must be " + std::string(dtype_name(dtype)) + ", as factor is; it is " + dtype_name(of_b) +
                         ".");
  if (b.shape(0) != l.shape(0))
    throw py::value_error("b must have as many rows as factor; their shapes are " + shape_text(b) + " and " +
                          shape_text(l) + ".");
  if (overlaps(l, b)) throw py::value_error("b must not overlap factor: they share memory.");
  const auto n = std::size_t(l.shape(0)), m = std::size_t(b.shape(1));
  const auto run = [&](const auto* at, auto* to) { released([&] { cholesky_solve(at, n, to, m); }); };
  dtype == Dtype::f32 ? run(reinterpret_cast<float*>(bytes(l)), reinterpret_cast<float*>(bytes(b)))
                      : run(reinterpret_cast<double*>(bytes(l)), reinterpret_cast<double*>(bytes(b)));
}

void invert(py::handle given) {
  Dtype dtype;
  const py::array l = check_square(given, "factor", dtype);
  const auto n = std::size_t(l.shape(0));
  const auto run = [&](auto* at) { in_team(n, [&](ThreadTeam& team) { cholesky_inverse(at, n, team); }); };
  dtype == Dtype::f32 ? run(reinterpret_cast<float*>(bytes(l))) : run(reinterpret_cast<double*>(bytes(l)));
}

}  // namespace

void bind_cholesky(py::module_& m) {
  m.def("cholesky", &factor, py::arg("a"));
  m.def("cholesky_solve", &solve, py::arg("factor"), py::arg("b"));
  m.def("cholesky_inverse", &invert, py::arg("factor"));
}

}  // namespace gs
