// Products of matrices on a GPU: cuBLAS's, which is loaded when it is first needed, so that nothing is linked to it.
#pragma once

#include <cstddef>

#include "core/dtype.hpp"
#include "kernels/cuda/device.hpp"

namespace gs {

/// A matrix in C order, or what is read as its transpose.
struct DeviceMatrix {
  const void* at;
  bool transposed = false;
};

class DeviceProducts {
 public:
  /// For the current device.
  DeviceProducts() noexcept;
  ~DeviceProducts();
  DeviceProducts(const DeviceProducts&) = delete;

  /// Why there are no products; null if there are.
  const char* missing() const noexcept { return missing_; }
  /// a (m, k) b (k, n) -> c (m, n), as they are after transposing; of float or double. Queued on the default stream.
  DeviceError multiply(Dtype real, DeviceMatrix a, DeviceMatrix b, std::size_t m, std::size_t n, std::size_t k,
                       void* c) const noexcept;

 private:
  void* handle_ = nullptr;
  const char* missing_ = nullptr;
};

}  // namespace gs
