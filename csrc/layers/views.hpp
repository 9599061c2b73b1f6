// What layers that move numbers have in common: strided views of samples.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "graph/call.hpp"
#include "kernels/layers/strided_copy.hpp"
#include "runtime/dispatch.hpp"

namespace gs {

/// Where the numbers of samples of one size go in samples of another.
struct Views {
  StridedViews views;
  std::size_t source_size, target_size;

  /// Whether every number stays where it is.
  bool is_identity() const {
    std::ptrdiff_t stride = 1;
    for (std::size_t k = views.rank; k-- > 0; stride *= std::ptrdiff_t(views.axis[k].size))
      if (views.axis[k].size > 1 && (views.axis[k].source != stride || views.axis[k].target != stride)) return false;
    return std::size_t(stride) == source_size && source_size == target_size;
  }
  /// Whether each number of the target is written once, rather than added up or left out.
  bool covers_target() const {
    std::size_t size = 1;
    for (std::size_t k = 0; k < views.rank; size *= views.axis[k++].size)
      if (views.axis[k].size > 1 && views.axis[k].target == 0) return false;
    return size == target_size;
  }
  /// The way back, of gradients: what was repeated is added up.
  Views reversed() const {
    Views back = *this;
    for (std::size_t k = 0; k < views.rank; ++k) std::swap(back.views.axis[k].source, back.views.axis[k].target);
    std::swap(back.views.source_offset, back.views.target_offset);
    std::swap(back.source_size, back.target_size);
    return back;
  }
  /// Samples of the batch, from `first` on; the target's numbers that the views leave out stay as they are.
  template <class Real> void copy(const Real* x, Real* y, std::size_t first, std::size_t count) const {
    strided_copy<Real>()(views, x + first * source_size, source_size, y + first * target_size, target_size, count);
  }
};

/// The strides of numbers side by side.
inline std::vector<std::ptrdiff_t> strides_of(const Shape& shape) {
  std::vector<std::ptrdiff_t> strides(shape.size(), 1);
  for (std::size_t k = shape.size(); k-- > 1;) strides[k - 1] = strides[k] * std::ptrdiff_t(shape[k]);
  return strides;
}

/// From `shape`, which may have fewer axes or 1 in some, to the shape `target`.
inline Views broadcast(const Shape& shape, const Shape& target) {
  Views all{{}, size_of(shape), size_of(target)};
  const auto source = strides_of(shape), to = strides_of(target);
  const std::size_t missing = target.size() - shape.size();
  all.views.rank = target.size();
  for (std::size_t k = 0; k < target.size(); ++k)
    all.views.axis[k] = {target[k], k < missing || shape[k - missing] == 1 ? 0 : source[k - missing], to[k]};
  return all;
}

/// With some axes as the last ones; both those and the others keep their order.
inline Views axes_last(const Shape& shape, const Shape& axes) {
  const auto is_last = [&](std::size_t k) { return std::find(axes.begin(), axes.end(), k) != axes.end(); };
  Shape order, turned;
  for (std::size_t k = 0; k < shape.size(); ++k)
    if (!is_last(k)) order.push_back(k);
  for (std::size_t k = 0; k < shape.size(); ++k)
    if (is_last(k)) order.push_back(k);
  for (const std::size_t k : order) turned.push_back(shape[k]);
  Views all{{}, size_of(shape), size_of(shape)};
  const auto source = strides_of(shape), target = strides_of(turned);
  all.views.rank = shape.size();
  for (std::size_t k = 0; k < shape.size(); ++k) all.views.axis[k] = {turned[k], source[order[k]], target[k]};
  return all;
}

// x (batch, source) -> y (batch, target), 0 where the views leave numbers out
template <class Real> void copy(Schedule<Real>& schedule, const Views& views, Matrix<Real> x, Matrix<Real> y) {
  schedule.each_row(y.rows, std::max(views.source_size, views.target_size), {{x.at}, {y.at}},
                    [=, covers = views.covers_target()](std::size_t first, std::size_t count) {
                      const std::size_t n = views.target_size;
                      if (!covers) std::fill_n(y.at + first * n, count * n, Real(0));
                      views.copy(x.at, y.at, first, count);
                    });
}

}  // namespace gs
