#include "kernels/cuda/products.hpp"

#if defined(GS_CUDA_HOST)

namespace gs {
namespace {

// Plain loops, with sums in double.
template <class Real>
void product(DeviceMatrix a, DeviceMatrix b, std::size_t m, std::size_t n, std::size_t k, void* to) {
  const Real *x = static_cast<const Real*>(a.at), *y = static_cast<const Real*>(b.at);
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      double sum = 0;
      for (std::size_t p = 0; p < k; ++p)
        sum += double(x[a.transposed ? p * m + i : i * k + p]) * double(y[b.transposed ? j * k + p : p * n + j]);
      static_cast<Real*>(to)[i * n + j] = Real(sum);
    }
}

}  // namespace

DeviceProducts::DeviceProducts() noexcept = default;
DeviceProducts::~DeviceProducts() = default;

DeviceError DeviceProducts::multiply(Dtype real, DeviceMatrix a, DeviceMatrix b, std::size_t m, std::size_t n,
                                     std::size_t k, void* c) const noexcept {
  real == Dtype::f64 ? product<double>(a, b, m, n, k, c) : product<float>(a, b, m, n, k, c);
  return 0;
}

}  // namespace gs

#else

#include <dlfcn.h>

#include <climits>
#include <string>

namespace gs {
namespace {

// What cuBLAS's header declares, as far as it is called here; no header of cuBLAS is needed to build.
using Status = int;     // 0: success
using Operation = int;  // 0: as it is, 1: transposed
struct Cublas {
  Status (*create)(void**) = nullptr;
  Status (*destroy)(void*) = nullptr;
  Status (*multiply_float)(void*, Operation, Operation, int, int, int, const float*, const float*, int, const float*,
                           int, const float*, float*, int) = nullptr;
  Status (*multiply_double)(void*, Operation, Operation, int, int, int, const double*, const double*, int,
                            const double*, int, const double*, double*, int) = nullptr;
  bool found = false;

  Cublas() {
    void* library = nullptr;
    for (const char* name : {"libcublas.so.13", "libcublas.so.12"})
      if (!library) library = dlopen(name, RTLD_NOW | RTLD_GLOBAL);
    if (!library) return;
    found = find(library, "cublasCreate", create) && find(library, "cublasDestroy", destroy) &&
            find(library, "cublasSgemm", multiply_float) && find(library, "cublasDgemm", multiply_double);
  }
  template <class Function> static bool find(void* library, const char* name, Function& to) {
    const std::string second = name + std::string("_v2");  // as all of its functions are called that have a second form
    return (to = reinterpret_cast<Function>(dlsym(library, second.c_str()))) != nullptr;
  }
};

const Cublas& cublas() {
  static const Cublas loaded;
  return loaded;
}

// cuBLAS has matrices by columns: those of C order are its transposes, and the product is that of the transposes the
// other way round.
template <class Real, class Multiply>
Status product(Multiply multiply, void* handle, DeviceMatrix a, DeviceMatrix b, std::size_t m, std::size_t n,
               std::size_t k, void* c) {
  const Real one = 1, zero = 0;
  return multiply(handle, b.transposed, a.transposed, int(n), int(m), int(k), &one, static_cast<const Real*>(b.at),
                  int(b.transposed ? k : n), static_cast<const Real*>(a.at), int(a.transposed ? m : k), &zero,
                  static_cast<Real*>(c), int(n));
}

}  // namespace

DeviceProducts::DeviceProducts() noexcept {
  if (!cublas().found)
    missing_ = "cuBLAS is not there: neither libcublas.so.13 nor libcublas.so.12 can be loaded";
  else if (cublas().create(&handle_) != 0)
    missing_ = "cuBLAS does not start on this GPU";
}
DeviceProducts::~DeviceProducts() {
  if (handle_) cublas().destroy(handle_);
}

DeviceError DeviceProducts::multiply(Dtype real, DeviceMatrix a, DeviceMatrix b, std::size_t m, std::size_t n,
                                     std::size_t k, void* c) const noexcept {
  if (m > INT_MAX || n > INT_MAX || k > INT_MAX) return product_failed;
  const Status status = real == Dtype::f64 ? product<double>(cublas().multiply_double, handle_, a, b, m, n, k, c)
                                           : product<float>(cublas().multiply_float, handle_, a, b, m, n, k, c);
  return status == 0 ? 0 : product_failed;
}

}  // namespace gs

#endif
