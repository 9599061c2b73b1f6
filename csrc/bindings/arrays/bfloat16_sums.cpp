// Sums of gradients in bfloat16, for training in several processes.
#include "runtime/bfloat16_sums.hpp"

#include <pybind11/pybind11.h>

#include "bindings/arrays/data_set.hpp"
#include "bindings/arrays/released.hpp"
#include "bindings/module.hpp"

namespace gs {
namespace {

using Word = std::uint16_t;

py::array words(py::handle given, const char* name, bool is_written) {
  const py::array array = check_rows<Word>(given, name, -1);
  if (is_written) check_writable(array, name);
  return array;
}

void check_as_long(const py::array& a, const py::array& b) {
  if (a.size() != b.size()) throw py::value_error("both vectors must have the same length.");
}

template <class Real> void scale(py::handle given, double weight, const py::array& out) {
  const py::array x = check_rows<Real>(given, "x", -1);
  check_as_long(x, out);
  released([&] { scale_to_bfloat16(data<Real>(x), weight, data<Word>(out), std::size_t(x.size())); });
}

template <class Real> void read(const py::array& x, py::handle given) {
  const py::array out = check_rows<Real>(given, "out", -1);
  check_writable(out, "out");
  check_as_long(x, out);
  released([&] { read_bfloat16(data<Word>(x), data<Real>(out), std::size_t(x.size())); });
}

bool is_double(const py::array& array) { return has_dtype<double>(array); }

}  // namespace

void bind_bfloat16_sums(py::module_& m) {
  m.def("scale_to_bfloat16", [](const py::array& x, double weight, py::handle given) {
    const py::array out = words(given, "out", true);
    is_double(x) ? scale<double>(x, weight, out) : scale<float>(x, weight, out);
  });
  m.def("add_bfloat16", [](py::handle given, py::handle also) {
    const py::array sum = words(given, "sum", true), more = words(also, "more", false);
    check_as_long(sum, more);
    released([&] { add_bfloat16(data<Word>(sum), data<Word>(more), std::size_t(sum.size())); });
  });
  m.def("divide_bfloat16", [](py::handle given, double divisor) {
    const py::array x = words(given, "x", true);
    released([&] { divide_bfloat16(data<Word>(x), divisor, std::size_t(x.size())); });
  });
  m.def("read_bfloat16", [](py::handle given, const py::array& out) {
    const py::array x = words(given, "x", false);
    is_double(out) ? read<double>(x, out) : read<float>(x, out);
  });
}

}  // namespace gs
