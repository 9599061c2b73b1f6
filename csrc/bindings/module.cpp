// gradstep._core: one line a file.
#include "bindings/module.hpp"

PYBIND11_MODULE(_core, m) {
  gs::bind_build_info(m);
  gs::bind_optimizers(m);
  gs::bind_bound(m);
  gs::bind_layers(m);
  gs::bind_guard(m);
  gs::bind_network(m);
  gs::bind_treatment(m);
  gs::bind_product(m);
  gs::bind_c_api(m);
}
