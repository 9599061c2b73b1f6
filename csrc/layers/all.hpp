// Every layer: the only list in C++.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "core/describe.hpp"
#include "layers/activate.hpp"
#include "layers/attention.hpp"
#include "layers/batch_normalization.hpp"
#include "layers/bidirectional.hpp"
#include "layers/concatenate.hpp"
#include "layers/conv.hpp"
#include "layers/conv_recurrent.hpp"
#include "layers/conv_transpose.hpp"
#include "layers/dense.hpp"
#include "layers/dot.hpp"
#include "layers/dropout.hpp"
#include "layers/elementwise.hpp"
#include "layers/embedding.hpp"
#include "layers/external.hpp"
#include "layers/masks.hpp"
#include "layers/noise.hpp"
#include "layers/normalization.hpp"
#include "layers/normalize_parts.hpp"
#include "layers/output_penalty.hpp"
#include "layers/pool.hpp"
#include "layers/prelu.hpp"
#include "layers/rearrange.hpp"
#include "layers/recurrent.hpp"
#include "layers/rescaling.hpp"
#include "layers/separable_conv.hpp"
#include "layers/softmax.hpp"
#include "layers/warp.hpp"

namespace gs {

using Layers = TypeList<Dense, Activate, Dropout, SharedDropout, Noise, Rescaling, BatchNormalization, NormalizeParts,
                        Normalization, PRelu, OutputPenalty, SoftmaxLayer, External, Add, Subtract, Multiply, Average,
                        Maximum, Minimum, Concatenate, Dot, Rearrange, Conv, ConvTranspose, SeparableConv, Pool,
                        Recurrent, Bidirectional, ConvRecurrent, ConvBidirectional, NotEqual, FillMasked, MaskedMean,
                        Embedding, Warp, MultiHeadAttention, WeightlessAttention>;

template <class List> struct VariantOf;
template <class... Any> struct VariantOf<TypeList<Any...>> {
  using type = std::variant<Any...>;
};
using AnyLayer = VariantOf<Layers>::type;

/// Where the keys are that a layer draws from; none of one that does not draw.
template <class Layer> auto keys_of(Layer& layer, int) -> decltype(layer.keys()) { return layer.keys(); }
template <class Layer> std::vector<std::uint64_t*> keys_of(Layer&, long) { return {}; }

template <class Any, class Visit, std::size_t... kind>
auto visit_kind(Any& layer, Visit& visit, std::index_sequence<kind...>) {
  using Result = decltype(visit(*std::get_if<0>(&layer)));
  if constexpr (std::is_void_v<Result>) {
    (void)((layer.index() == kind && (visit(*std::get_if<kind>(&layer)), true)) || ...);
  } else {
    Result result{};
    (void)((layer.index() == kind && (result = visit(*std::get_if<kind>(&layer)), true)) || ...);
    return result;
  }
}

/// visit(layer), of whichever kind it is: a switch. std::visit has a function for each kind, and a table of those.
template <class Any, class Visit> auto visit_layer(Any& layer, Visit visit) {
  return visit_kind(layer, visit, std::make_index_sequence<Layers::size>{});
}

}  // namespace gs
