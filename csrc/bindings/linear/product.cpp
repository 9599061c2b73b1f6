// The matrix product, for tests and benchmarks.
#include <pybind11/pybind11.h>

#include <string>

#include "bindings/arrays/arrays.hpp"
#include "bindings/arrays/released.hpp"
#include "bindings/module.hpp"
#include "runtime/products/product.hpp"

namespace gs {
namespace {

py::array check_matrix(py::handle object, const std::string& name, Dtype& dtype) {
  py::array array = as_array(object, name);
  dtype = float_dtype(array, name);
  if (array.ndim() != 2) throw py::value_error(name + " must have two axes; its shape is " + shape_text(array) + ".");
  return array;
}

void check_same(Dtype dtype, Dtype of_a, const std::string& name) {
  const auto word = [](Dtype d) { return std::string(py::str(numpy_dtype(d))); };
  if (dtype != of_a) throw py::type_error(name + " must be " + word(of_a) + ", as a is; it is " + word(dtype) + ".");
}

void check_apart(const py::array& out, const py::array& input, const std::string& name) {
  if (overlaps(out, input)) throw py::value_error("out must not overlap " + name + ": they share memory.");
}

template <class Real>
void multiply(const py::array& a, const py::array& b, const py::array* start, const py::array& out) {
  const Matrix left{bytes(a), layout_of(a)}, right{bytes(b), layout_of(b)};
  const Real* const first = start ? reinterpret_cast<const Real*>(bytes(*start)) : nullptr;
  Real* const c = reinterpret_cast<Real*>(bytes(out));
  const auto ldc = std::int64_t(out.shape(0) > 1 ? out.strides(0) / py::ssize_t(sizeof(Real)) : out.shape(1));
  released([&] { product<Real>(left, right, first, c, ldc); });
}

void matmul(py::handle given_a, py::handle given_b, py::handle given_out, py::handle given_start) {
  Dtype dtype, other;
  const py::array a = check_matrix(given_a, "a", dtype);
  const py::array b = check_matrix(given_b, "b", other);
  check_same(other, dtype, "b");
  if (a.shape(1) != b.shape(0))
    throw py::value_error("b must have as many rows as a has columns; their shapes are " + shape_text(b) + " and " +
                          shape_text(a) + ".");
  const py::array out = check_matrix(given_out, "out", other);
  check_same(other, dtype, "out");
  const py::ssize_t m = a.shape(0), n = b.shape(1), item = a.itemsize();
  if (out.shape(0) != m || out.shape(1) != n)
    throw py::value_error("out must have shape (" + std::to_string(m) + ", " + std::to_string(n) + "); its shape is " +
                          shape_text(out) + ".");
  if (out.size() > 0 && ((n > 1 && out.strides(1) != item) || (m > 1 && out.strides(0) % item != 0)))
    throw py::value_error("out must have its rows in C order; its strides are " +
                          std::string(py::str(out.attr("strides"))) + ".");
  check_writable(out, "out");
  check_own_memory(out, "out");
  check_apart(out, a, "a");
  check_apart(out, b, "b");
  py::array start;
  const bool has_start = !given_start.is_none();
  if (has_start) {
    start = as_array(given_start, "start");
    check_same(float_dtype(start, "start"), dtype, "start");
    if (start.ndim() != 1 || start.shape(0) != n || (n > 1 && start.strides(0) != item))
      throw py::value_error("start must have shape (" + std::to_string(n) +
                            ",), its numbers side by side; its shape is " + shape_text(start) + ", its strides " +
                            std::string(py::str(start.attr("strides"))) + ".");
    check_apart(out, start, "start");
  }
  (dtype == Dtype::f32 ? multiply<float> : multiply<double>)(a, b, has_start ? &start : nullptr, out);
}

}  // namespace

void bind_product(py::module_& m) {
  m.def("matmul", &matmul, py::arg("a"), py::arg("b"), py::arg("out"), py::arg("start") = py::none());
}

}  // namespace gs
