// torch.optim's parameter groups, for gradstep.torch.
#pragma once

#include <pybind11/pybind11.h>

namespace gs {

void bind_tensor_groups(pybind11::module_& m);

}  // namespace gs
