// Gradient transforms: scaling, clipping and accumulation before a rule, and averages of weights after it, over numbers
// that lie side by side.
#pragma once

#include <cstddef>

#include "kernels/isa.hpp"

namespace gs {

/// Squares are summed side by side, element i of a chunk in lane i % square_lanes: their number is part of the result.
inline constexpr std::size_t square_lanes = 32;

/// The sum of all lanes, which are used up.
inline double fold(double* sums) {
  for (std::size_t width = square_lanes / 2; width > 0; width /= 2)
    for (std::size_t lane = 0; lane < width; ++lane) sums[lane] += sums[lane + width];
  return sums[0];
}

template <class Real> struct GradientTransforms {
  // g, w (n) -> out (n): g times scale, cut to [-limit, limit], and couple times w; out may be g
  void (*prepare)(const Real* g, const Real* w, Real* out, std::size_t n, double scale, double limit, double couple);
  // sum += g (n)
  void (*add)(Real* sum, const Real* g, std::size_t n);
  // average = decay average + (1 - decay) w (n)
  void (*average)(Real* average, const Real* w, std::size_t n, double decay);
  // sums (square_lanes) += the squares of g (n), in double and in a fixed order; first: the lane of g[0]
  void (*squares)(const Real* g, std::size_t n, std::size_t first, double* sums);
  // Whether all of g (n) times `by` are finite
  bool (*finite)(const Real* g, std::size_t n, double by);
};

struct GradientTransformsTable {
  GradientTransforms<float> f32;
  GradientTransforms<double> f64;
};

template <class Isa> const GradientTransformsTable& gradient_transforms_table() noexcept;

}  // namespace gs
