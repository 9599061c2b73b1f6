// Pooling: the largest number, or the mean, of a window that moves over samples.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/portable.hpp"
#include "kernels/isa.hpp"
#include "kernels/layers/window.hpp"

namespace gs {

/// Bytes of the number of a number in its window, which an index holds for each number of y.
HD std::size_t index_size(const Window& w) { return w.size() <= 256 ? 1 : 4; }

/// x, `count` samples -> y; index, unless it is null: which number of a window's, in its order, was the largest. The
/// first one of several; a NaN is larger than all.
template <class Real>
using MaxPoolForward = void (*)(const Window& w, const Real* x, std::size_t count, Real* y, void* index);
/// dy -> dx, zeros before unless the windows cover it, += dy where the largest number was
template <class Real>
using MaxPoolBackward = void (*)(const Window& w, const Real* dy, const void* index, std::size_t count, Real* dx);
/// x -> y, the mean of those numbers of a window that there are
template <class Real> using MeanPoolForward = void (*)(const Window& w, const Real* x, std::size_t count, Real* y);
/// dy -> dx, zeros before unless the windows cover it, += dy over the number of those
template <class Real> using MeanPoolBackward = void (*)(const Window& w, const Real* dy, std::size_t count, Real* dx);

template <class Real> struct PoolLoops {
  MaxPoolForward<Real> max_forward;
  MaxPoolBackward<Real> max_backward;
  MeanPoolForward<Real> mean_forward;
  MeanPoolBackward<Real> mean_backward;
};
struct PoolTable {
  PoolLoops<float> f32;
  PoolLoops<double> f64;
};

template <class Isa> const PoolTable& pool_table() noexcept;

}  // namespace gs
