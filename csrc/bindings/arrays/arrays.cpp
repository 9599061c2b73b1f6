#include "bindings/arrays/arrays.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>

#include "runtime/buffer.hpp"

namespace gs {

std::string noun(const char* singular, const std::string& label) {
  return label.empty() ? singular : singular + ("s" + label);
}

void throw_overlap(const std::string& one, const std::string& other) {
  throw py::value_error(one + " overlaps " + other + "; each must have memory of its own.");
}

std::string shape_text(const py::array& array) { return py::str(array.attr("shape")); }

py::array as_array(py::handle object, const std::string& name) {
  if (!py::isinstance<py::array>(object))
    throw py::type_error(name + " must be a numpy array; got " +
                         std::string(py::str(py::type::of(object).attr("__name__"))) + ".");
  return py::reinterpret_borrow<py::array>(object);
}

namespace {

// ml_dtypes makes bfloat16 a type of its own, with a number that is known once it has been seen.
bool is_bfloat16(const py::array& array) {
  static std::atomic<int> number{-1};
  const py::dtype dtype = array.dtype();
  if (dtype.num() == number) return true;
  if (number >= 0 || dtype.itemsize() != 2 || dtype.kind() != 'V' ||
      dtype.attr("name").cast<std::string>() != "bfloat16")
    return false;
  number = dtype.num();
  return true;
}

std::optional<Dtype> float_type(const py::array& array) {
  constexpr int half = 23;  // NPY_HALF
  if (has_dtype<float>(array)) return Dtype::f32;
  if (has_dtype<double>(array)) return Dtype::f64;
  const py::dtype dtype = array.dtype();
  if (dtype.num() == half && dtype.attr("isnative").cast<bool>()) return Dtype::f16;
  if (is_bfloat16(array)) return Dtype::bf16;
  return std::nullopt;
}

void check_aligned(const py::array& array, const std::string& name) {
  if (!(array.flags() & py::detail::npy_api::NPY_ARRAY_ALIGNED_))
    throw py::value_error(name + " must be aligned; its data does not begin on a multiple of its item size.");
}

}  // namespace

Dtype any_float_dtype(const py::array& array, const std::string& name) {
  const auto dtype = float_type(array);
  if (!dtype)
    throw py::type_error(name + " must be float32, float64, float16 or bfloat16 in native byte order; its dtype is " +
                         std::string(py::str(array.dtype())) + ".");
  check_aligned(array, name);
  return *dtype;
}

Dtype float_dtype(const py::array& array, const std::string& name) {
  const auto dtype = float_type(array);
  if (!dtype || item_size(*dtype) < 4)
    throw py::type_error(name + " must be float32 or float64 in native byte order; its dtype is " +
                         std::string(py::str(array.dtype())) + ".");
  check_aligned(array, name);
  return *dtype;
}

const char* dtype_name(Dtype dtype) {
  constexpr const char* names[] = {"float32", "float64", "float16", "bfloat16"};
  return names[int(dtype)];
}

void check_writable(const py::array& array, const std::string& name) {
  if (!array.writeable())
    throw py::value_error(name + " must be writable: it is updated in place; got a read-only array.");
}

void check_own_memory(const py::array& array, const std::string& name) {
  // From the nearest dimension out, each stride must clear all that the nearer ones span. This refuses only layouts
  // that as_strided and broadcast_to make.
  std::vector<std::pair<std::int64_t, std::int64_t>> dims;
  for (py::ssize_t d = 0; d < array.ndim(); ++d) {
    if (array.shape(d) == 0) return;
    if (array.shape(d) > 1) dims.push_back({std::abs(array.strides(d)), array.shape(d)});
  }
  std::sort(dims.begin(), dims.end());
  std::int64_t span = array.itemsize();
  for (const auto& [stride, size] : dims) {
    if (stride < span)
      throw py::value_error(name + " must hold each element in a place of its own; its strides " +
                            std::string(py::str(array.attr("strides"))) + " for shape " + shape_text(array) +
                            " put several in one (a broadcast array?).");
    span += stride * (size - 1);
  }
}

Layout layout_of(const py::array& array) {
  Layout layout;
  for (py::ssize_t d = 0; d < array.ndim(); ++d) {
    layout.shape.push_back(array.shape(d));
    layout.strides.push_back(array.strides(d));
  }
  layout.size = std::size_t(array.size());
  layout.contiguous = array.flags() & py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_;
  return layout;
}

std::pair<const std::byte*, const std::byte*> extent(const py::array& array) {
  const std::byte* first = bytes(array);
  const std::byte* last = first;
  if (array.size() == 0) return {first, first};
  for (py::ssize_t d = 0; d < array.ndim(); ++d)
    (array.strides(d) < 0 ? first : last) += array.strides(d) * (array.shape(d) - 1);
  return {first, last + array.itemsize()};
}

bool overlaps(const py::array& a, const py::array& b) {
  const auto [a_first, a_last] = extent(a);
  const auto [b_first, b_last] = extent(b);
  if (a_first >= b_last || b_first >= a_last) return false;
  py::module_ numpy = py::module_::import("numpy");
  try {
    return numpy.attr("shares_memory")(a, b, py::arg("max_work") = 100000).cast<bool>();
  } catch (py::error_already_set& error) {
    if (!error.matches(numpy.attr("exceptions").attr("TooHardError"))) throw;
    return true;
  }
}

template <class T> py::array check_rows(py::handle object, const std::string& name, std::int64_t columns) {
  py::array array = as_array(object, name);
  if (!has_dtype<T>(array))
    throw py::type_error(name + " must be " + std::string(py::str(py::dtype::of<T>())) + "; its dtype is " +
                         std::string(py::str(array.dtype())) + ".");
  constexpr int both = py::detail::npy_api::NPY_ARRAY_ALIGNED_ | py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_;
  if ((array.flags() & both) != both) throw py::value_error(name + " must be aligned and in C order.");
  if (columns < 0 ? array.ndim() != 1 : array.ndim() != 2 || array.shape(1) != columns)
    throw py::value_error(name + " must have shape (rows" + (columns < 0 ? "," : ", " + std::to_string(columns)) +
                          "); its shape is " + shape_text(array) + ".");
  return array;
}
template py::array check_rows<float>(py::handle, const std::string&, std::int64_t);
template py::array check_rows<double>(py::handle, const std::string&, std::int64_t);
template py::array check_rows<std::uint8_t>(py::handle, const std::string&, std::int64_t);
template py::array check_rows<std::uint16_t>(py::handle, const std::string&, std::int64_t);
template py::array check_rows<std::int32_t>(py::handle, const std::string&, std::int64_t);
template py::array check_rows<bool>(py::handle, const std::string&, std::int64_t);
template py::array check_rows<std::int64_t>(py::handle, const std::string&, std::int64_t);

py::object pinned(const py::array& array) {
  PyObject* owner = array.ptr();
  for (;;) {
    PyObject* const base = py::detail::array_proxy(owner)->base;
    if (!base || !py::isinstance<py::array>(base)) break;
    owner = base;
  }
  py::object reference = py::reinterpret_steal<py::object>(PyWeakref_NewRef(owner, nullptr));
  if (!reference) throw py::error_already_set();
  return reference;
}

py::dtype numpy_dtype(Dtype dtype) { return dtype == Dtype::f32 ? py::dtype::of<float>() : py::dtype::of<double>(); }

Dtype parse_dtype(const std::string& name) {
  if (name == "float32") return Dtype::f32;
  if (name == "float64") return Dtype::f64;
  throw py::value_error("dtype must be float32 or float64; got " + name + ".");
}

std::vector<py::array> zeros_in_arena(const std::vector<Wanted>& wanted) {
  std::vector<std::size_t> at{0};
  for (const Wanted& one : wanted) {
    std::size_t size = std::size_t(one.dtype.itemsize());
    for (const py::ssize_t n : one.shape) size *= std::size_t(n);
    at.push_back(at.back() + (one.offset + size + alignment - 1) / alignment * alignment);
  }
  auto arena = std::make_unique<Buffer<std::byte>>(at.back());
  std::byte* const memory = arena->data();
  const py::capsule owner(arena.release(), [](void* p) { delete static_cast<Buffer<std::byte>*>(p); });
  std::vector<py::array> arrays;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    arrays.emplace_back(wanted[i].dtype, wanted[i].shape, std::vector<py::ssize_t>{}, memory + at[i] + wanted[i].offset,
                        owner);
  return arrays;
}

py::array aligned_zeros(const std::vector<py::ssize_t>& shape, Dtype dtype) {
  return zeros_in_arena({{numpy_dtype(dtype), shape}})[0];
}

}  // namespace gs
