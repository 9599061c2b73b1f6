#include "kernels/cuda/device.hpp"

#if defined(GS_CUDA_HOST)

#include <cstdlib>
#include <cstring>

namespace gs {
namespace {

DeviceError copy(void* to, const void* from, std::size_t bytes) {
  if (bytes > 0) std::memcpy(to, from, bytes);  // which takes no null pointers, not even of nothing
  return 0;
}

}  // namespace

const char* device_error_text(DeviceError) noexcept { return "out of memory"; }
DeviceError device_allocate(void** memory, std::size_t bytes) noexcept {
  *memory = std::calloc(bytes, 1);
  return *memory ? 0 : 2;
}
void device_free(void* memory) noexcept { std::free(memory); }
DeviceError device_from_host(void* to, const void* from, std::size_t bytes) noexcept { return copy(to, from, bytes); }
DeviceError device_to_host(void* to, const void* from, std::size_t bytes) noexcept { return copy(to, from, bytes); }
DeviceError device_to_device(void* to, const void* from, std::size_t bytes) noexcept { return copy(to, from, bytes); }
DeviceError device_wait(DeviceStream, DeviceStream) noexcept { return 0; }
int device_count() noexcept { return 1; }
DeviceError device_of(const void*, int* device) noexcept { return *device = 0, 0; }
CurrentDevice::CurrentDevice(int) noexcept {}
CurrentDevice::~CurrentDevice() = default;

}  // namespace gs

#else

namespace gs {
namespace {

// 1 and 2 are CUDA's own words for the default stream, and for that of a thread.
cudaStream_t native(DeviceStream stream) { return reinterpret_cast<cudaStream_t>(stream); }

/// Memory work between two waits for the device: steps may be queued on any of its streams.
template <class Work> DeviceError waited(Work work) {
  cudaError_t error = cudaDeviceSynchronize();
  if (error == cudaSuccess) error = work();
  return error == cudaSuccess ? cudaDeviceSynchronize() : error;
}

}  // namespace

const char* device_error_text(DeviceError error) noexcept {
  return error == product_failed ? "cuBLAS refused a product" : cudaGetErrorString(cudaError_t(error));
}

DeviceError device_allocate(void** memory, std::size_t bytes) noexcept {
  const cudaError_t error = cudaMalloc(memory, bytes);
  return error == cudaSuccess ? waited([&] { return cudaMemset(*memory, 0, bytes); }) : error;
}
void device_free(void* memory) noexcept { cudaFree(memory); }
DeviceError device_from_host(void* to, const void* from, std::size_t bytes) noexcept {
  return waited([&] { return cudaMemcpy(to, from, bytes, cudaMemcpyHostToDevice); });
}
DeviceError device_to_host(void* to, const void* from, std::size_t bytes) noexcept {
  return waited([&] { return cudaMemcpy(to, from, bytes, cudaMemcpyDeviceToHost); });
}
DeviceError device_to_device(void* to, const void* from, std::size_t bytes) noexcept {
  return waited([&] { return cudaMemcpy(to, from, bytes, cudaMemcpyDeviceToDevice); });
}

DeviceError device_wait(DeviceStream stream, DeviceStream other) noexcept {
  if (stream == other || (stream < 2 && other < 2)) return cudaSuccess;
  cudaEvent_t event;
  cudaError_t error = cudaEventCreateWithFlags(&event, cudaEventDisableTiming);
  if (error != cudaSuccess) return error;
  error = cudaEventRecord(event, native(other));
  if (error == cudaSuccess) error = cudaStreamWaitEvent(native(stream), event, 0);
  cudaEventDestroy(event);  // once it has happened
  return error;
}

int device_count() noexcept {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess ? count : 0;
}

DeviceError device_of(const void* memory, int* device) noexcept {
  cudaPointerAttributes found;
  const cudaError_t error = cudaPointerGetAttributes(&found, memory);
  if (error != cudaSuccess) return error;
  if (found.type != cudaMemoryTypeDevice && found.type != cudaMemoryTypeManaged) return cudaErrorInvalidDevicePointer;
  *device = found.device;
  return cudaSuccess;
}

CurrentDevice::CurrentDevice(int device) noexcept {
  error = cudaGetDevice(&before_);
  if (error == cudaSuccess && before_ != device) error = cudaSetDevice(device);
}
CurrentDevice::~CurrentDevice() {
  if (before_ >= 0) cudaSetDevice(before_);
}

}  // namespace gs

#endif
