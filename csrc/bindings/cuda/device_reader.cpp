#include "bindings/cuda/device_reader.hpp"

#include <utility>

namespace gs {
namespace {

#if defined(GS_CUDA_HOST)
constexpr TensorReader::Memory device_memory = TensorReader::cpu;
#else
constexpr TensorReader::Memory device_memory = TensorReader::cuda;
#endif

std::string text(py::handle object) { return std::string(py::str(object)); }

std::string type_name(py::handle object) { return text(py::type::of(object).attr("__name__")); }

[[noreturn]] void refuse_dtype(const std::string& name, const std::string& found) {
  throw py::type_error(name + " must be float32, float64, float16 or bfloat16 in native byte order; it is " + found +
                       ".");
}

[[noreturn]] void refuse_strides(const std::string& name) {
  throw py::value_error(name + " must be in C order without gaps: arrays on a GPU are stepped as they lie.");
}

Dtype parse(const std::string& typestr, py::handle array, const std::string& name) {
  if (typestr == "<f4") return Dtype::f32;
  if (typestr == "<f8") return Dtype::f64;
  if (typestr == "<f2") return Dtype::f16;
  // Type strings have no letter for bfloat16: two bytes without a type, and the name of the dtype.
  const bool two_bytes = typestr == "<V2" || typestr == "|V2";
  if (two_bytes && py::hasattr(array, "dtype") && text(array.attr("dtype")) == "bfloat16") return Dtype::bf16;
  refuse_dtype(name, typestr);
}

bool is_contiguous(const std::vector<std::int64_t>& shape, const py::tuple& strides, std::size_t item) {
  std::int64_t run = std::int64_t(item);
  for (std::size_t d = shape.size(); d-- > 0; run *= shape[d])
    if (shape[d] > 1 && strides[d].cast<std::int64_t>() != run) return false;
  return true;
}

/// The device of memory that its array does not tell.
int device_of(py::handle array, const void* data, const std::string& name) {
  if (py::hasattr(array, "__dlpack_device__")) return py::tuple(array.attr("__dlpack_device__")())[1].cast<int>();
  int device = 0;
  if (const DeviceError error = data ? gs::device_of(data, &device) : 0)
    throw py::value_error(name + " must lie in the memory of a GPU; CUDA says: " + device_error_text(error) + ".");
  return device;
}

DeviceView of_interface(py::handle array, const py::dict& said, const std::string& name) {
  DeviceView view;
  const auto data = said["data"].cast<std::pair<std::uintptr_t, bool>>();
  view.data = reinterpret_cast<std::byte*>(data.first);
  view.is_read_only = data.second;
  view.dtype = parse(said["typestr"].cast<std::string>(), array, name);
  for (const py::handle length : py::tuple(said["shape"])) view.shape.push_back(length.cast<std::int64_t>());
  const bool has_strides = said.contains("strides") && !said["strides"].is_none();
  if (has_strides && view.size() > 0 && !is_contiguous(view.shape, py::tuple(said["strides"]), item_size(view.dtype)))
    refuse_strides(name);
  if (said.contains("mask") && !said["mask"].is_none())
    throw py::type_error(name + " must be an array without a mask.");
  if (said.contains("stream") && !said["stream"].is_none()) view.stream = said["stream"].cast<DeviceStream>();
  view.device = device_of(array, view.data, name);
  return view;
}

DeviceView of_tensor(py::handle tensor, const TensorReader& reader, const std::string& name) {
  std::vector<py::object> held;
  TensorView found;
  if (!reader.read(tensor.ptr(), found, held))
    throw py::type_error(name + " must be a dense tensor of float32, float64, float16 or bfloat16 on a GPU; it is " +
                         text(tensor.attr("dtype")) + " on " + text(tensor.attr("device")) + ".");
  if (!found.contiguous()) refuse_strides(name);
  if (tensor.attr("is_neg")().cast<bool>())
    throw py::value_error(name + " must not be a view with negated values (tensor.is_neg()).");
  DeviceView view;
  view.data = found.data;
  view.dtype = found.dtype;
  view.shape.assign(found.shape, found.shape + found.axes);
  view.device = found.device;
  return view;
}

}  // namespace

std::size_t DeviceView::size() const {
  std::size_t n = 1;
  for (const std::int64_t length : shape) n *= std::size_t(length);
  return n;
}

DeviceReader::DeviceReader(py::object type, py::object source) : type_(std::move(type)) {
  if (!type_.is_none()) tensors_.emplace(type_, std::move(source), device_memory);
}

DeviceView DeviceReader::read(py::handle array, const std::string& name) const {
  DeviceView view;
  if (tensors_ && py::isinstance(array, type_)) {
    view = of_tensor(array, *tensors_, name);
  } else if (py::hasattr(array, "__cuda_array_interface__")) {
    view = of_interface(array, array.attr("__cuda_array_interface__"), name);
  } else {
    throw py::type_error(name + " must be an array on a GPU, with __cuda_array_interface__ or of PyTorch; got " +
                         type_name(array) + ".");
  }
  if (reinterpret_cast<std::uintptr_t>(view.data) % item_size(view.dtype) != 0)
    throw py::value_error(name + " must be aligned; its data does not begin on a multiple of its item size.");
  return view;
}

}  // namespace gs
