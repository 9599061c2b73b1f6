// What was built and where it runs.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstdint>

#include "bindings/arrays/arrays.hpp"
#include "bindings/arrays/released.hpp"
#include "bindings/module.hpp"
#include "runtime/cpu.hpp"
#include "runtime/dispatch.hpp"
#include "runtime/threads.hpp"

namespace gs {
namespace {

py::dict build_info() {
#if defined(GS_CUDA_HOST)
  constexpr const char* cuda = "host";
#elif defined(GS_CUDA)
  constexpr const char* cuda = "built";
#else
  constexpr const char* cuda = "";
#endif
#if defined(NDEBUG)
  constexpr bool debug = false;
#else
  constexpr bool debug = true;
#endif
#if defined(_OPENMP)
  constexpr int openmp = _OPENMP;
#else
  constexpr int openmp = 0;
#endif
  const CacheSizes& caches = cache_sizes();
  return py::dict(py::arg("version") = GS_VERSION, py::arg("compiler") = GS_COMPILER, py::arg("isas") = usable_isas(),
                  py::arg("isa") = kernels().isa, py::arg("openmp") = openmp, py::arg("threads") = get_num_threads(),
                  py::arg("caches") = py::make_tuple(caches.l1, caches.l2, caches.l3), py::arg("cuda") = cuda,
                  py::arg("debug") = debug);
}

}  // namespace

void bind_build_info(py::module_& m) {
  m.attr("__version__") = GS_VERSION;
  m.def("build_info", build_info);
  m.def("set_isa", &use_isa);
  m.def("get_num_threads", &get_num_threads);
  m.def("set_num_threads", [](int threads) {
    if (threads < 1) throw py::value_error("threads must be 1 or more; got " + std::to_string(threads) + ".");
    set_num_threads(threads);
  });
  m.def("is_polling", &is_polling);
  m.def("after_fork_in_child", [] { set_num_threads(1); });
  m.def("address", [](const py::array& array) { return reinterpret_cast<std::uintptr_t>(array.data()); });
  m.def("aligned_zeros", [](const std::vector<py::ssize_t>& shape, const std::string& dtype) {
    return aligned_zeros(shape, parse_dtype(dtype));
  });
  kernels();  // a wrong GRADSTEP_ISA is an error of the import
}

}  // namespace gs
