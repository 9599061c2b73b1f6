// The arrays of an optimizer: where they lie, whether they still do, and who else holds them.
#include <algorithm>
#include <iterator>

#include "bindings/optimizers/optimizers.hpp"

namespace gs {
namespace {

bool has_layout(const py::array& array, const Layout& layout) {
  return has_shape(array, layout) && std::equal(layout.strides.begin(), layout.strides.end(), array.strides());
}

PyObject* base_of(const PyObject* array) { return py::detail::array_proxy(const_cast<PyObject*>(array))->base; }

}  // namespace

bool has_shape(const py::array& array, const Layout& layout) {
  return std::size_t(array.ndim()) == layout.shape.size() &&
         std::equal(layout.shape.begin(), layout.shape.end(), array.shape());
}

Dtype check_parameter(const py::array& array, const std::string& name) {
  const Dtype dtype = any_float_dtype(array, name);
  check_writable(array, name);
  check_own_memory(array, name);
  return dtype;
}

std::ptrdiff_t PyOptimizer::overlapped(const py::array& array) const {
  const auto [first, last] = extent(array);
  if (first == last) return -1;
  auto it = std::lower_bound(extents_.begin(), extents_.end(), last, [](auto& e, auto* at) { return e.first < at; });
  while (it != extents_.begin() && (--it)->first + longest_ > first)
    if (it->last > first && overlaps(arrays[it->index], array)) return std::ptrdiff_t(it->index);
  return -1;
}

bool PyOptimizer::is_apart(const std::byte* first, const std::byte* last) const {
  auto it = std::lower_bound(extents_.begin(), extents_.end(), last, [](auto& e, auto* at) { return e.first < at; });
  while (it != extents_.begin() && (--it)->first + longest_ > first)
    if (it->last > first) return false;
  return true;
}

void PyOptimizer::arrange() {
  std::sort(extents_.begin(), extents_.end(), [](auto& a, auto& b) { return a.first < b.first; });
  places_.clear();
  for (const Parameter& p : parameters) {
    const py::array& array = arrays[p.number];
    Place place{array.ptr(), p.data, dtypes_[p.number].ptr(), nullptr, &p, std::size_t(array.nbytes()), -1, {}};
    if (p.layout.contiguous && p.layout.shape.size() <= std::size(place.shape)) {
      place.axes = int(p.layout.shape.size());
      std::copy(p.layout.shape.begin(), p.layout.shape.end(), place.shape);
    }
    places_.push_back(place);
  }
}

const Parameter* PyOptimizer::fitting(std::size_t index, PyObject* gradient) {
  using py::detail::npy_api;
  constexpr int readable = npy_api::NPY_ARRAY_C_CONTIGUOUS_ | npy_api::NPY_ARRAY_ALIGNED_;
  Place& place = places_[index];
  const auto is_as_known = [&](const PyObject* object, int flags) {
    const auto* const array = py::detail::array_proxy(object);
    if ((array->flags & flags) != flags || array->descr != place.dtype || array->nd != place.axes) return false;
    for (int d = 0; d < place.axes; ++d)
      if (array->dimensions[d] != place.shape[d]) return false;
    return true;
  };
  if (!is_as_known(place.array, readable | npy_api::NPY_ARRAY_WRITEABLE_) || !is_as_known(gradient, readable))
    return nullptr;
  const auto data = [](const PyObject* object) {
    return reinterpret_cast<const std::byte*>(py::detail::array_proxy(object)->data);
  };
  if (data(place.array) != place.data) return nullptr;
  const std::byte* const g = data(gradient);
  if (g != place.apart) {
    if (!is_apart(g, g + place.bytes)) return nullptr;
    place.apart = g;
  }
  return place.parameter;
}

void PyOptimizer::truncate(std::size_t length) {
  check_idle();
  if (length >= parameters.size()) return;
  parameters.erase(parameters.begin() + std::ptrdiff_t(length), parameters.end());
  arrays.resize(length);
  slots.resize(length);
  serials_.resize(length);
  ++forgotten_;
  extents_.erase(std::remove_if(extents_.begin(), extents_.end(), [&](auto& e) { return e.index >= length; }),
                 extents_.end());
  arrange();
}

std::ptrdiff_t PyOptimizer::find(const py::array& array) const {
  const std::byte* const first = extent(array).first;
  auto it = std::lower_bound(extents_.begin(), extents_.end(), first, [](auto& e, auto* at) { return e.first < at; });
  for (; it != extents_.end() && it->first == first; ++it) {
    const Parameter& p = parameters[it->index];
    if (p.data == bytes(array) && has_layout(array, p.layout) && any_float_dtype(array, "") == p.dtype)
      return std::ptrdiff_t(it->index);
  }
  return -1;
}

void PyOptimizer::check_unmoved(std::size_t index, const std::string& label) const {
  const py::array& array = arrays[index];
  const Parameter& p = parameters[index];
  if (p.data != bytes(array) || !has_layout(array, p.layout))
    throw py::value_error(noun("parameter", label) +
                          " must stay where it was when the optimizer first saw it; it has been resized, reshaped or "
                          "reallocated since.");
  if (!array.writeable())
    throw py::value_error(
        noun("parameter", label) +
        " must be writable: it is updated in place; it has been made read-only since its first step.");
  if (py::detail::array_proxy(array.ptr())->descr != dtypes_[index].ptr() &&
      any_float_dtype(array, noun("parameter", label)) != p.dtype)
    throw py::type_error(noun("parameter", label) + " is " + std::string(py::str(array.dtype())) + "; it was " +
                         dtype_name(p.dtype) + " at its first step, and must stay so.");
}

bool PyOptimizer::is_itself(std::size_t index, const py::array& array) const {
  const Parameter& p = parameters[index];
  return p.data == bytes(array) && p.layout.size > 0 && has_layout(array, p.layout) &&
         py::detail::array_proxy(array.ptr())->descr == dtypes_[index].ptr();
}

bool PyOptimizer::is_abandoned(std::size_t index, std::size_t held) const {
  const PyObject* object = arrays.at(index).ptr();
  // A view is held as long as what it is a view of.
  for (std::size_t own = held; object; own = 0) {
    for (const py::array& array : arrays) own += base_of(array.ptr()) == object;
    if (std::size_t(Py_REFCNT(const_cast<PyObject*>(object))) > own) return false;
    object = base_of(object);
    if (object && !py::isinstance<py::array>(py::handle(const_cast<PyObject*>(object)))) return false;
  }
  return true;
}

void PyOptimizer::replace(std::size_t index, const py::array& array, const std::string& label) {
  check_idle();
  Parameter& p = parameters.at(index);
  const std::string name = noun("parameter", label);
  if (check_parameter(array, name) != p.dtype || !has_shape(array, p.layout))
    throw py::value_error(name + " must have the shape and dtype of the array whose place it takes.");
  if (p.pending && !p.pending->empty()) throw std::runtime_error("flush() must come before an array is replaced.");
  const std::ptrdiff_t old = overlapped(array);
  if (old >= 0) throw py::value_error(name + " must not overlap another parameter.");
  p.layout = layout_of(array);
  p.data = bytes(array);
  dtypes_[index] = array.dtype();
  arrays[index] = array;
  const auto [first, last] = extent(array);
  for (Extent& e : extents_)
    if (e.index == index) e = {first, last, index};
  longest_ = std::max(longest_, std::size_t(last - first));
  arrange();
}

}  // namespace gs
