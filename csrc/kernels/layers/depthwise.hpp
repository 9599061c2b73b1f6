// Depthwise convolutions: each channel is convolved with separate filters.
#pragma once

#include <cstddef>

#include "kernels/isa.hpp"

namespace gs {

/// `channels` channels with `each` filters; a window's numbers lie `taps` from its place, and then over the channels.
struct Depthwise {
  const std::size_t* taps;
  std::size_t n_taps, channels, each;
};

template <class Real> struct DepthwiseLoops {
  /// x (places): pointers, w (taps, channels, each), b (channels, each) or null -> z (places, channels, each)
  void (*forward)(const Depthwise& d, const void* const* x, std::size_t places, const Real* w, const Real* b, Real* z);
  /// dz (places, channels, each), w (taps, each, channels) -> dx += what each place gives, from its distance in `at`
  /// (places) on
  void (*input_grad)(const Depthwise& d, const Real* dz, std::size_t places, const Real* w, const std::size_t* at,
                     Real* dx);
  /// x, dz -> dw (taps, channels, each), or added to it
  void (*weight_grad)(const Depthwise& d, const void* const* x, std::size_t places, const Real* dz, bool adds,
                      Real* dw);
};
struct DepthwiseTable {
  DepthwiseLoops<float> f32;
  DepthwiseLoops<double> f64;
};

template <class Isa> const DepthwiseTable& depthwise_table() noexcept;

}  // namespace gs
