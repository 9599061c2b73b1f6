// gradstep._core: one line a file.
#include "bindings/module.hpp"

// One interpreter of a process only: threads, the lock's hand-over and NumPy are the main one's.
PYBIND11_MODULE(_core, m, pybind11::multiple_interpreters::not_supported()) {
  if (PyInterpreterState_Get() != PyInterpreterState_Main())
    throw pybind11::import_error(
        "gradstep must be imported in the main interpreter; this is a sub-interpreter. With mod_wsgi, set "
        "WSGIApplicationGroup %{GLOBAL}.");
  gs::bind_build_info(m);
  gs::bind_optimizers(m);
  gs::bind_bound(m);
  gs::bind_layers(m);
  gs::bind_network(m);
  gs::bind_treatment(m);
  gs::bind_product(m);
  gs::bind_c_api(m);
}
