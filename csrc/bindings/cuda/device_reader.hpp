// Where an array on a GPU lies: CuPy's and others' by __cuda_array_interface__, PyTorch's tensors by DLPack.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bindings/arrays/tensor_view.hpp"
#include "core/dtype.hpp"
#include "kernels/cuda/device.hpp"

namespace gs {

/// An array on a GPU in C order.
struct DeviceView {
  std::byte* data = nullptr;
  Dtype dtype = Dtype::f32;
  std::vector<std::int64_t> shape;
  int device = 0;
  std::optional<DeviceStream> stream;  // where what is in it was queued, if that is said
  bool is_read_only = false;

  std::size_t size() const;
};

class DeviceReader {
 public:
  /// type, source: PyTorch's, as TensorReader has them; None without it.
  DeviceReader(py::object type, py::object source);

  /// Throws TypeError unless it is an array of floating point numbers on a GPU, ValueError unless in C order and
  /// aligned. name: for the error.
  DeviceView read(py::handle array, const std::string& name) const;

 private:
  std::optional<TensorReader> tensors_;
  py::object type_;
};

}  // namespace gs
