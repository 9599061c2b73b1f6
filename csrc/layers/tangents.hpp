// Layers in the tangent pass, and as they are in inference though their numbers are kept for it.
#pragma once

#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "layers/all.hpp"

namespace gs {

template <class Layer, class = void> constexpr bool is_linear = false;
template <class Layer> constexpr bool is_linear<Layer, std::void_t<decltype(Layer::is_linear)>> = Layer::is_linear;

template <class Layer, class = void> constexpr bool skips_zeros = false;
template <class Layer> constexpr bool skips_zeros<Layer, std::void_t<decltype(Layer::skips_zeros)>> = true;

template <class Layer, class = void> constexpr bool has_tangent = false;
template <class Layer>
constexpr bool has_tangent<
    Layer, std::void_t<decltype(std::declval<const Layer&>().tangent(
               std::declval<Schedule<double>&>(), std::declval<Call<double>&>(), std::declval<Call<double>&>()))>> =
    true;

/// Adds dy = J_x dx + J_w dw of a call of a layer, whose forward pass is in the schedule; d: the call of directions.
template <class Real>
void add_tangent(const AnyLayer& layer, Schedule<Real>& schedule, Call<Real>& call, Call<Real>& d) {
  visit_layer(layer, [&](const auto& one) {
    using Layer = std::decay_t<decltype(one)>;
    if constexpr (is_linear<Layer>)
      one.forward(schedule, d);
    else if constexpr (has_tangent<Layer>)
      one.tangent(schedule, call, d);
    else
      throw std::invalid_argument("a layer of kind '" + std::string(Layer::name) + "' has no tangent pass.");
  });
}

/// Whether it never looks at directions that are 0.
inline bool looks_at_no_zeros(const AnyLayer& layer) {
  return visit_layer(layer, [](const auto& one) { return skips_zeros<std::decay_t<decltype(one)>>; });
}

inline void stop_drawing(Dropout& layer) { layer.rate = 0; }
inline void stop_drawing(SharedDropout& layer) {
  layer.rate = layer.shift = 0;
  layer.scale = 1;
}
inline void stop_drawing(Noise& layer) { layer.stddev = 0; }
inline void stop_drawing(Warp& layer) {
  if (layer.draws == Warp::Draws::crop) layer.draws = Warp::Draws::nothing;
  const double neutral = layer.draws == Warp::Draws::zoom ? 1 : 0;
  layer.ranges.assign(layer.ranges.size(), neutral);
}
inline void stop_drawing(Recurrent& layer) { layer.dropout = layer.recurrent_dropout = 0; }
inline void stop_drawing(ConvRecurrent& layer) { layer.dropout = layer.recurrent_dropout = 0; }
template <class Way> void stop_drawing(BidirectionalOf<Way>& layer) {
  for (Way& one : layer.directions) stop_drawing(one);
}
inline void stop_drawing(MultiHeadAttention& layer) { layer.inputs.sizes.rate = 0; }
inline void stop_drawing(WeightlessAttention& layer) { layer.inputs.sizes.rate = 0; }
template <class Layer> void stop_drawing(Layer&) {}

/// A layer that computes in training what it does in inference, and updates no weight by itself.
inline void freeze(AnyLayer& layer) {
  visit_layer(layer, [](auto& one) { stop_drawing(one); });
  if (auto* const one = std::get_if<BatchNormalization>(&layer)) one->frozen = true;
}

/// The same, but for weights that it updates by itself.
inline AnyLayer in_inference(AnyLayer layer) {
  visit_layer(layer, [](auto& one) { stop_drawing(one); });
  return layer;
}

}  // namespace gs
