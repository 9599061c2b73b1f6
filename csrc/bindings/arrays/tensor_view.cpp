#include "bindings/arrays/tensor_view.hpp"

#include <algorithm>
#include <utility>

namespace gs {
namespace {

// Of DLPack 1 (dlpack.h), whose structs never change within a major version.
struct DLTensor {
  void* data;
  std::int32_t device_type, device_id;
  std::int32_t ndim;
  std::uint8_t code, bits;
  std::uint16_t lanes;
  std::int64_t *shape, *strides;
  std::uint64_t byte_offset;
};
struct DLPackExchangeAPI {
  std::uint32_t major, minor;
  DLPackExchangeAPI* previous;
  void *managed_tensor_allocator, *managed_tensor_from_py_object, *managed_tensor_to_py_object;
  int (*dltensor_from_py_object)(void*, void*);
  void* current_work_stream;
};
constexpr std::uint8_t floats = 2, bfloats = 4;  // kDLFloat, kDLBfloat

bool parse(const DLTensor& t, Dtype& dtype) {
  if (t.lanes != 1) return false;
  if (t.code == bfloats && t.bits == 16) return dtype = Dtype::bf16, true;
  if (t.code != floats) return false;
  if (t.bits == 32) return dtype = Dtype::f32, true;
  if (t.bits == 64) return dtype = Dtype::f64, true;
  return t.bits == 16 && (dtype = Dtype::f16, true);
}

/// What a method without arguments returns, as an address or a size.
bool number(PyObject* object, const py::str& method, std::uintptr_t& value) {
  const auto found = py::reinterpret_steal<py::object>(PyObject_CallMethodNoArgs(object, method.ptr()));
  if (found) value = PyLong_AsUnsignedLongLong(found.ptr());
  return found && !PyErr_Occurred();
}

}  // namespace

std::size_t TensorView::size() const {
  std::size_t n = 1;
  for (int d = 0; d < axes; ++d) n *= std::size_t(shape[d]);
  return n;
}

bool TensorView::has_shape(const std::vector<std::int64_t>& other) const {
  return std::size_t(axes) == other.size() && std::equal(other.begin(), other.end(), shape);
}

bool TensorView::contiguous() const {
  std::int64_t run = 1;
  for (int d = axes; d-- > 0; run *= shape[d]) {
    if (shape[d] == 0) return true;
    if (shape[d] > 1 && strides[d] != run) return size() == 0;
  }
  return true;
}

std::size_t TensorView::span() const {
  std::size_t last = 0;
  for (int d = 0; d < axes; ++d) {
    if (shape[d] == 0) return 0;
    last += std::size_t((shape[d] - 1) * strides[d]);
  }
  return (last + 1) * item_size(dtype);
}

bool TensorView::repeats() const {
  // From the nearest axis out, each stride must clear all that the nearer ones span.
  std::vector<std::pair<std::int64_t, std::int64_t>> sorted;
  for (int d = 0; d < axes; ++d) {
    if (shape[d] == 0) return false;
    if (shape[d] > 1) sorted.push_back({strides[d], shape[d]});
  }
  std::sort(sorted.begin(), sorted.end());
  std::int64_t reach = 1;
  for (const auto& [stride, length] : sorted) {
    if (stride < reach) return true;
    reach += stride * (length - 1);
  }
  return false;
}

Layout TensorView::layout() const {
  Layout layout;
  layout.shape.assign(shape, shape + axes);
  for (int d = 0; d < axes; ++d) layout.strides.push_back(strides[d] * std::int64_t(item_size(dtype)));
  layout.size = size();
  layout.contiguous = contiguous();
  return layout;
}

TensorReader::TensorReader(py::object type, py::object source, Memory memory)
    : type_(std::move(type)), source_(std::move(source)), memory_(memory) {
  if (!PyType_Check(type_.ptr())) throw py::type_error("type must be a class.");
  if (!PyCapsule_IsValid(source_.ptr(), "dlpack_exchange_api")) {
    if (!PyCallable_Check(source_.ptr())) throw py::type_error("source must be a capsule or a function.");
    return;
  }
  auto* api = static_cast<DLPackExchangeAPI*>(PyCapsule_GetPointer(source_.ptr(), "dlpack_exchange_api"));
  while (api && api->major != 1) api = api->previous;
  if (!api || !api->dltensor_from_py_object) throw py::type_error("source must have the functions of DLPack 1.");
  view_ = api->dltensor_from_py_object;
}

bool TensorReader::read(PyObject* tensor, TensorView& view, std::vector<py::object>& held) const {
  if (!PyObject_TypeCheck(tensor, reinterpret_cast<PyTypeObject*>(type_.ptr()))) return false;
  DLTensor storage, *t = &storage;
  if (view_) {
    if (view_(tensor, t) != 0) return PyErr_Clear(), false;
    held.push_back(py::reinterpret_borrow<py::object>(tensor));
  } else {
    auto capsule = py::reinterpret_steal<py::object>(PyObject_CallOneArg(source_.ptr(), tensor));
    if (!capsule) return PyErr_Clear(), false;
    // A DLManagedTensor begins with its DLTensor.
    t = static_cast<DLTensor*>(PyCapsule_GetPointer(capsule.ptr(), "dltensor"));
    if (!t) return PyErr_Clear(), false;
    held.push_back(std::move(capsule));
  }
  if (t->device_type != memory_ || !parse(*t, view.dtype) || (t->ndim > 0 && !t->strides)) return false;
  view.data = static_cast<std::byte*>(t->data) + t->byte_offset;
  view.device = t->device_id;
  view.axes = t->ndim;
  view.shape = t->shape;
  view.strides = t->strides;
  for (int d = 0; d < view.axes; ++d)
    if (view.strides[d] < 0) return false;
  return t->data || view.size() == 0;
}

bool TensorReader::is_plain(PyObject* tensor, const TensorView& view) const {
  const auto negative = py::reinterpret_steal<py::object>(PyObject_CallMethodNoArgs(tensor, is_neg_.ptr()));
  const auto storage = py::reinterpret_steal<py::object>(PyObject_CallMethodNoArgs(tensor, untyped_storage_.ptr()));
  std::uintptr_t bytes = 0, first = 0;
  const bool known =
      negative && storage && number(storage.ptr(), nbytes_, bytes) && number(storage.ptr(), data_ptr_, first);
  if (!known) return PyErr_Clear(), false;
  const auto begin = reinterpret_cast<std::uintptr_t>(view.data);
  return negative.is(py::bool_(false)) &&
         (view.size() == 0 || (begin >= first && begin + view.span() <= first + bytes));
}

}  // namespace gs
