// The weights of a network as passes take them.
#pragma once

#include <vector>

#include "graph/jobs.hpp"
#include "train/plan/network.hpp"

namespace gs {

/// (layer, weight), without state.
template <class Real> std::vector<std::vector<Weight<Real>>> plain_weights(const Network<Real>& network);

}  // namespace gs
