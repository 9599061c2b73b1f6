// A convolution as its jobs know it, and how they cut its work: into strips of a sample whose results stay in a near
// cache, and groups of samples that are small. Where it is cut follows from shapes alone.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "activations/all.hpp"
#include "core/blocks.hpp"
#include "graph/convolution/patches.hpp"
#include "kernels/layers/window.hpp"

namespace gs {

/// Pooling that follows a convolution, done while its output is in cache.
struct PoolUse {
  Window window;
  bool mean = false;
};

/// f(x * w + b), and, if there is one, its pooling.
struct Convolution {
  Window window;  // with a pool: without places that it does not read
  std::size_t filters, groups;
  ActivationUse activation;     // f
  std::optional<PoolUse> pool;  // whose input is what the window gives

  std::size_t share() const { return filters / groups; }
  /// Numbers that it gives a sample.
  std::size_t out() const { return (pool ? pool->window.places() : window.places()) * filters; }
};

/// A sample's places in strips of at least so many, whole rows along the leading axis. Where windows of a pool overlap,
/// a strip is the sample.
class Strips {
 public:
  Strips(const Convolution& conv, std::size_t least) : conv_(conv), lead_(leading_axis(conv.window)) {
    const WindowAxis& axis = conv.window.axis[lead_];
    places_ = conv.window.places() / axis.out;
    std::size_t units = axis.out, rows = 1;
    if (conv.pool) {
      const WindowAxis& p = conv.pool->window.axis[lead_];
      pooled_ = conv.pool->window.places() / p.out;
      whole_ = p.stride < p.size || p.before > 0 || p.after > 0;
      units = whole_ ? 1 : p.out;
      rows = whole_ ? axis.out : p.stride;
    }
    units_ = Blocks(units, std::max<std::size_t>(1, (least + rows * places_ - 1) / (rows * places_)));
    for (std::size_t s = 0; s < count(); ++s) {
      most_ = std::max(most_, strip(s).places());
      in_rows_ = std::max(in_rows_, strip(s).in_last - strip(s).in_first);
    }
  }

  struct Strip {
    std::size_t first, last;               // rows of places along the leading axis
    std::size_t begin, end;                // places
    std::size_t in_first, in_last;         // rows of the sample with its border
    std::size_t pooled_begin, pooled_end;  // places of the pool
    std::size_t places() const { return end - begin; }
  };
  std::size_t count() const { return units_.count; }
  /// Of the largest strip: places, and rows of the sample with its border.
  std::size_t most() const { return most_; }
  std::size_t in_rows() const { return in_rows_; }

  Strip strip(std::size_t s) const {
    const WindowAxis& axis = conv_.window.axis[lead_];
    Strip made{};
    made.first = units_.begin(s);
    made.last = made.first + units_.size(s);
    if (conv_.pool) {
      const WindowAxis& p = conv_.pool->window.axis[lead_];
      made.pooled_begin = whole_ ? 0 : made.first * pooled_;
      made.pooled_end = whole_ ? p.out * pooled_ : made.last * pooled_;
      made.first = whole_ ? 0 : made.first * p.stride;
      made.last = whole_ ? axis.out : (made.last - 1) * p.stride + p.size;
    }
    made.begin = made.first * places_;
    made.end = made.last * places_;
    made.in_first = made.first * axis.stride;
    made.in_last = (made.last - 1) * axis.stride + (axis.size - 1) * axis.dilation + 1;
    return made;
  }
  /// The pool's window over a strip.
  Window pool(const Strip& strip) const {
    Window window = conv_.pool->window;
    WindowAxis& p = window.axis[lead_];
    p.in = strip.last - strip.first;
    p.out = (strip.pooled_end - strip.pooled_begin) / pooled_;
    return window;
  }
  int lead() const { return lead_; }

 private:
  const Convolution conv_;
  int lead_;
  std::size_t places_, pooled_ = 0;  // of a row along the leading axis
  bool whole_ = false;
  Blocks units_{1, 1};
  std::size_t most_ = 0, in_rows_ = 0;
};

}  // namespace gs
