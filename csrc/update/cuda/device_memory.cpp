#include "update/cuda/device_memory.hpp"

#include <new>
#include <stdexcept>
#include <string>

namespace gs {

void check_device(DeviceError error, const char* what) {
  if (error == 0) return;
  const std::string text = device_error_text(error);
  if (text == "out of memory") throw std::bad_alloc();
  throw std::runtime_error(std::string(what) + " failed on the GPU; CUDA says: " + text + ".");
}

DeviceMemory::DeviceMemory(int device, std::size_t bytes) : device_(device) {
  const CurrentDevice current(device);
  check_device(current.error, "choosing the device");
  check_device(device_allocate(&data_, bytes > 0 ? bytes : device_aligned(1)), "an allocation");
}
DeviceMemory::~DeviceMemory() {
  const CurrentDevice current(device_);
  device_free(data_);
}

}  // namespace gs
