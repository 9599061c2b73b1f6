// The geometry of layers that move a window over samples: convolution and pooling.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "graph/shape.hpp"
#include "kernels/layers/window.hpp"

namespace gs {

/// How a window lies on the edges of a sample: within it; over them, so that there are as many places as steps of the
/// stride; or over the first edge alone.
enum class Padding { valid, same, causal };

/// A window over up to three axes, in front of which there are axes of 1 if it has fewer.
inline Window window_of(const Shape& in, const Shape& size, const Shape& stride, const Shape& dilation,
                        Padding padding) {
  Window window;
  const std::size_t missing = 3 - size.size();
  for (std::size_t k = 0; k < size.size(); ++k) {
    WindowAxis& axis = window.axis[missing + k];
    axis = {in[k], size[k], stride[k], dilation[k], 0, 0, 0};
    const std::size_t reach = (size[k] - 1) * dilation[k] + 1;
    if (padding == Padding::same) {
      axis.out = (in[k] + stride[k] - 1) / stride[k];
      const std::size_t needed = (axis.out - 1) * stride[k] + reach;
      const std::size_t total = needed > in[k] ? needed - in[k] : 0;
      axis.before = total / 2;
      axis.after = total - axis.before;
    } else {
      axis.before = padding == Padding::causal ? reach - 1 : 0;
      axis.out = in[k] + axis.before < reach ? 0 : (in[k] + axis.before - reach) / stride[k] + 1;
    }
  }
  window.channels = in.back();
  return window;
}

}  // namespace gs
