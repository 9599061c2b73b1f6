// Memory of a GPU, freed by whoever has it; and errors of CUDA as exceptions.
#pragma once

#include <cstddef>

#include "kernels/cuda/device.hpp"

namespace gs {

/// Throws std::bad_alloc or std::runtime_error for an error of CUDA.
void check_device(DeviceError error, const char* what);

/// Zeros on a device.
class DeviceMemory {
 public:
  DeviceMemory(int device, std::size_t bytes);
  ~DeviceMemory();
  DeviceMemory(const DeviceMemory&) = delete;
  std::byte* data() const { return static_cast<std::byte*>(data_); }

 private:
  const int device_;
  void* data_ = nullptr;
};

/// Every part of memory that begins anew begins on such a boundary.
constexpr std::size_t device_aligned(std::size_t bytes) { return (bytes + 255) / 256 * 256; }

}  // namespace gs
