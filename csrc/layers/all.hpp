// Every layer: the only list in C++.
#pragma once

#include "activations/all.hpp"
#include "core/describe.hpp"
#include "layers/activate.hpp"
#include "layers/dense.hpp"
#include "layers/dropout.hpp"
#include "layers/noise.hpp"
#include "layers/normalizations.hpp"
#include "layers/prelu.hpp"
#include "layers/rescaling.hpp"

namespace gs {

using Layers =
    TypeList<Dense, Activate, Dropout, Noise, Rescaling, BatchNormalization, GroupNormalization, Normalization, PRelu>;

}  // namespace gs
