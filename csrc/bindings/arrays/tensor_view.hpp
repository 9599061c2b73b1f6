// Where a PyTorch tensor lies, read through DLPack: nothing of the tensor is kept, and its storage stays resizable.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/dtype.hpp"
#include "runtime/strided.hpp"

namespace gs {

namespace py = pybind11;

/// A tensor of floating point numbers. Valid while the tensor is held and nobody changes it.
struct TensorView {
  std::byte* data;
  int axes;
  const std::int64_t *shape, *strides;  // strides in elements, none negative
  Dtype dtype;
  int device;  // which one of its kind

  std::size_t size() const;
  bool has_shape(const std::vector<std::int64_t>& other) const;
  /// In C order, as one run.
  bool contiguous() const;
  /// Bytes from the first element to the end of the last one.
  std::size_t span() const;
  bool aligned() const { return reinterpret_cast<std::uintptr_t>(data) % item_size(dtype) == 0; }
  /// Whether two elements may lie in one place, as in an expanded tensor.
  bool repeats() const;
  Layout layout() const;
};

/// Reads tensors of one class and its subclasses.
class TensorReader {
 public:
  /// Whose tensors are read, as DLPack has it.
  enum Memory { cpu = 1, cuda = 2 };
  /// source: the class's table of DLPack's C functions (a capsule, PyTorch 2.10 and later), or a function that makes a
  /// DLPack capsule of a tensor.
  TensorReader(py::object type, py::object source, Memory memory = cpu);

  /// False if it is no such tensor, not of floating point numbers or not in that memory, or its storage has been freed.
  /// What must live as long as the view is added to `held`.
  bool read(PyObject* tensor, TensorView& view, std::vector<py::object>& held) const;

  /// Whether the tensor's storage holds all of the view, and what lies there are its numbers, not their negatives.
  /// Costs more than `read`.
  bool is_plain(PyObject* tensor, const TensorView& view) const;

 private:
  py::object type_, source_;
  const Memory memory_;
  int (*view_)(void*, void*) = nullptr;
  py::str is_neg_ = "is_neg", untyped_storage_ = "untyped_storage", nbytes_ = "nbytes", data_ptr_ = "data_ptr";
};

}  // namespace gs
