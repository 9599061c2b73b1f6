// Copies between strided views: what layers do that move numbers and compute none.
#pragma once

#include <cstddef>

#include "kernels/isa.hpp"

namespace gs {

/// Two views of one shape, of numbers of a sample each: where they are read and where they are written. Strides and
/// offsets are in numbers. A source stride of 0 repeats numbers; a target stride of 0 adds them up.
struct StridedViews {
  static constexpr std::size_t most = 8;
  struct Axis {
    std::size_t size;
    std::ptrdiff_t source, target;  // strides
  };
  std::size_t rank = 0;
  Axis axis[most] = {};
  std::size_t source_offset = 0, target_offset = 0;
};

/// `count` samples of x, source_size apart -> y, target_size apart. With a target stride of 0, numbers are added to
/// what is there.
template <class Real>
using StridedCopy = void (*)(const StridedViews& views, const Real* x, std::size_t source_size, Real* y,
                             std::size_t target_size, std::size_t count);

struct StridedCopyTable {
  StridedCopy<float> f32;
  StridedCopy<double> f64;
};

template <class Isa> const StridedCopyTable& strided_copy_table() noexcept;

}  // namespace gs
