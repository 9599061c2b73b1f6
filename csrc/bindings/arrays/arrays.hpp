// Every check of an array that comes from Python.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <string>
#include <utility>
#include <vector>

#include "core/dtype.hpp"
#include "runtime/strided.hpp"

namespace gs {

namespace py = pybind11;

/// What an argument is called in an error: "gradient", or "gradients[3]" with the label "[3]".
std::string noun(const char* singular, const std::string& label);
/// Of two arrays that are written, by their names.
[[noreturn]] void throw_overlap(const std::string& one, const std::string& other);
/// "(3, 4)"
std::string shape_text(const py::array& array);

/// The object as it is, never converted. Throws TypeError unless it is a numpy array.
py::array as_array(py::handle object, const std::string& name);
/// Throws TypeError unless it is float32 or float64 in native byte order, ValueError unless aligned.
Dtype float_dtype(const py::array& array, const std::string& name);
/// The same, but float16 and bfloat16 (of ml_dtypes) will do too.
Dtype any_float_dtype(const py::array& array, const std::string& name);
const char* dtype_name(Dtype dtype);
/// Throws ValueError unless writable.
void check_writable(const py::array& array, const std::string& name);
/// Throws ValueError if two indices may lie in the same place.
void check_own_memory(const py::array& array, const std::string& name);

Layout layout_of(const py::array& array);
/// The addresses an array touches: [first, last), equal if it is empty.
std::pair<const std::byte*, const std::byte*> extent(const py::array& array);
/// Whether they have a byte in common, exactly; true too where numpy cannot tell in reasonable time.
bool overlaps(const py::array& a, const py::array& b);

inline std::byte* bytes(const py::array& array) {
  return reinterpret_cast<std::byte*>(py::detail::array_proxy(array.ptr())->data);
}

template <class Real> bool has_dtype(const py::array& array) { return py::isinstance<py::array_t<Real>>(array); }
/// Throws unless the array is of T in C order and its shape is (rows, columns), or (rows,) where columns is -1.
template <class T> py::array check_rows(py::handle object, const std::string& name, std::int64_t columns);

/// While it lives the memory of an array stays where it is: NumPy refuses `resize`, with refcheck=False too.
py::object pinned(const py::array& array);

/// Zeros, the first element aligned to 64 bytes: vectors of any width then never straddle a cache line.
py::array aligned_zeros(const std::vector<py::ssize_t>& shape, Dtype dtype);
/// The same for many arrays, in one arena; each begins so many bytes behind such a border.
struct Wanted {
  py::dtype dtype;
  std::vector<py::ssize_t> shape;
  std::size_t offset = 0;
};
std::vector<py::array> zeros_in_arena(const std::vector<Wanted>& wanted);
/// Of float32 or float64.
py::dtype numpy_dtype(Dtype dtype);
/// "float32" or "float64"; ValueError for any other.
Dtype parse_dtype(const std::string& name);

}  // namespace gs
