// Every layer: the only list in C++.
#pragma once

#include <variant>

#include "core/describe.hpp"
#include "layers/activate.hpp"
#include "layers/batch_normalization.hpp"
#include "layers/dense.hpp"
#include "layers/dropout.hpp"
#include "layers/external.hpp"
#include "layers/group_normalization.hpp"
#include "layers/noise.hpp"
#include "layers/normalization.hpp"
#include "layers/prelu.hpp"
#include "layers/rescaling.hpp"

namespace gs {

using Layers =
    TypeList<Dense, Activate, Dropout, Noise, Rescaling, BatchNormalization, GroupNormalization, Normalization, PRelu,
             External>;

template <class List> struct VariantOf;
template <class... Any> struct VariantOf<TypeList<Any...>> {
  using type = std::variant<Any...>;
};
using AnyLayer = VariantOf<Layers>::type;

template <class Visit> auto visit_layer(const AnyLayer& layer, Visit visit) { return std::visit(visit, layer); }

}  // namespace gs
