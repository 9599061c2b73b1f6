// The kernels of minimize that are in use, of the instruction set that runtime/dispatch chooses. They are a list of
// their own: what trains models does not see them, and is not compiled anew with them.
#pragma once

#include "kernels/minimize/symmetric.hpp"
#include "kernels/minimize/vectors.hpp"

namespace gs {

struct MinimizeKernels {
  const VectorsTable& vectors;
  const SymmetricTable& symmetric;
};

const MinimizeKernels& minimize_kernels();

}  // namespace gs
