// Memory and streams of a GPU. Without one (GS_CUDA_HOST) they are the host's: for tests of what runs on them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gs {

/// 0, or an error of the CUDA runtime, or of cuBLAS.
using DeviceError = int;
inline constexpr DeviceError product_failed = -1;
const char* device_error_text(DeviceError error) noexcept;

/// A stream as __cuda_array_interface__ has it: 0 and 1 are the default stream.
using DeviceStream = std::uintptr_t;

// Memory of the current device. What reads or writes it here waits for all that the device does, and then for itself.
DeviceError device_allocate(void** memory, std::size_t bytes) noexcept;  // of zeros
void device_free(void* memory) noexcept;
DeviceError device_from_host(void* to, const void* from, std::size_t bytes) noexcept;
DeviceError device_to_host(void* to, const void* from, std::size_t bytes) noexcept;
DeviceError device_to_device(void* to, const void* from, std::size_t bytes) noexcept;

/// What is queued on `stream` from now on begins after what is queued on `other`.
DeviceError device_wait(DeviceStream stream, DeviceStream other) noexcept;
/// How many devices there are; 0 if CUDA finds none, or has no driver.
int device_count() noexcept;
/// Which device memory is on.
DeviceError device_of(const void* memory, int* device) noexcept;

/// While one is alive a device is the current one of this thread.
class CurrentDevice {
 public:
  explicit CurrentDevice(int device) noexcept;
  ~CurrentDevice();
  CurrentDevice(const CurrentDevice&) = delete;
  DeviceError error = 0;

 private:
  int before_ = -1;
};

}  // namespace gs
