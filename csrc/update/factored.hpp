// A step of arrays whose second moment is kept as factors of rows and columns.
#pragma once

#include <cstdint>
#include <vector>

#include "core/matrix.hpp"
#include "update/optimizer.hpp"

namespace gs {

/// Shape of a slot of such a rule: 0, means over rows; 1, means over columns.
std::vector<std::int64_t> factor_shape(const std::vector<std::int64_t>& shape, std::size_t slot);

struct FactoredTask {
  const ParamGrad* grad;
  const UpdateKernel* kernel;
  double scale;  // what clipping leaves of the gradient
  Factored constants;
};

/// Moves each once. Same bits for any number of threads.
void factored_step(const std::vector<FactoredTask>& tasks, ThreadTeam* team);

}  // namespace gs
