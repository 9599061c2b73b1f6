// gradstep._core: one line a file.
#include "bindings/module.hpp"

#include "bindings/arrays/released.hpp"
#include "bindings/optimizers/tensor_groups.hpp"
#include "bindings/turns.hpp"

// pybind11's part of the import, which waits for ever in a sub-interpreter. Without the interpreter's lock threads take
// turns where they may share something (bindings/turns.hpp).
PYBIND11_MODULE(_core_in_main, m, pybind11::mod_gil_not_used(), pybind11::multiple_interpreters::not_supported()) {
  gs::Turn::prepare();
  gs::prepare_signals();
  gs::bind_build_info(m);
  gs::bind_optimizers(m);
  gs::bind_bound(m);
  gs::bind_wrappers(m);
  gs::bind_tensor_groups(m);
  gs::bind_layers(m);
  gs::bind_guard(m);
  gs::bind_network(m);
  gs::bind_passes(m);
  gs::bind_weight_attributes(m);
  gs::bind_product(m);
  gs::bind_bfloat16_sums(m);
  gs::bind_machine_code(m);
  gs::bind_minimize(m);
  gs::bind_minimize_runs(m);
  gs::bind_minimize_cma(m);
  gs::bind_cholesky(m);
  gs::bind_linear(m);
  gs::bind_linear_objective(m);
  gs::bind_coordinates(m);
#if defined(GS_CUDA)
  gs::bind_cuda(m);
  gs::bind_device_models(m);
#endif
  gs::bind_c_api(m);
}

extern "C" PYBIND11_EXPORT PyObject* PyInit__core() {
  if (PyInterpreterState_Get() == PyInterpreterState_Main()) return PyInit__core_in_main();
  PyErr_SetString(PyExc_ImportError,
                  "gradstep must be imported in the main interpreter of a process; this is a sub-interpreter. With "
                  "mod_wsgi, set WSGIApplicationGroup %{GLOBAL}.");
  return nullptr;
}
