// A window that moves over samples: what convolution and pooling have in common.
#pragma once

#include <cstddef>

#include "core/portable.hpp"

namespace gs {

/// One axis of a window: of the input, of the window, and how many places it has.
struct WindowAxis {
  std::size_t in = 1, size = 1, stride = 1, dilation = 1, before = 0, after = 0, out = 1;

  HD std::size_t bordered() const { return before + in + after; }
  HD bool operator==(const WindowAxis& o) const {
    return in == o.in && size == o.size && stride == o.stride && dilation == o.dilation && before == o.before &&
           after == o.after && out == o.out;
  }
};

/// A window over samples (in0, in1, in2, channels), which gives (out0, out1, out2, channels).
struct Window {
  WindowAxis axis[3];
  std::size_t channels = 1;

  HD std::size_t in() const { return axis[0].in * axis[1].in * axis[2].in * channels; }
  HD std::size_t bordered() const { return axis[0].bordered() * axis[1].bordered() * axis[2].bordered() * channels; }
  HD std::size_t size() const { return axis[0].size * axis[1].size * axis[2].size; }
  HD std::size_t places() const { return axis[0].out * axis[1].out * axis[2].out; }
  /// Whether no number is in two places' windows; and whether each is in one.
  HD bool is_disjoint() const {
    return axis[0].stride >= axis[0].size && axis[1].stride >= axis[1].size && axis[2].stride >= axis[2].size;
  }
  HD bool covers() const {
    return places() * size() * channels == in() && axis[0].stride == axis[0].size && axis[1].stride == axis[1].size &&
           axis[2].stride == axis[2].size;
  }
  HD bool has_border() const { return bordered() != in(); }

  HD bool operator==(const Window& o) const {
    return channels == o.channels && axis[0] == o.axis[0] && axis[1] == o.axis[1] && axis[2] == o.axis[2];
  }
};

}  // namespace gs
