// What a convolution reads of its input: samples with zeros around them, and where a window's numbers lie in them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "graph/matrix.hpp"
#include "kernels/layers/window.hpp"
#include "runtime/buffer.hpp"
#include "runtime/dispatch.hpp"

namespace gs {

/// The first axis along which a window has more than one number to look at: samples are cut along it.
inline int leading_axis(const Window& w) { return w.axis[0].bordered() > 1 ? 0 : w.axis[1].bordered() > 1 ? 1 : 2; }
/// Numbers between neighbours along an axis of samples with their borders.
inline std::size_t bordered_stride(const Window& w, int axis) {
  std::size_t stride = w.channels;
  for (int k = 2; k > axis; --k) stride *= w.axis[k].bordered();
  return stride;
}

/// What lies under a window at each of its places in a sample with its border, as distances: of the places from the
/// sample, of the numbers of a window's first group from its place. Those of another group are `run` further on.
struct Patches {
  std::vector<std::size_t> places, at, taps;  // taps: of each number of the window, without its channels
  std::size_t run;

  Patches(const Window& w, std::size_t groups) : run(w.channels / groups) {
    const std::size_t plane = bordered_stride(w, 0), row = bordered_stride(w, 1), n = w.channels;
    const WindowAxis *const d = w.axis, *const h = d + 1, *const v = d + 2;
    for (std::size_t i = 0; i < d->out; ++i)
      for (std::size_t j = 0; j < h->out; ++j)
        for (std::size_t k = 0; k < v->out; ++k)
          places.push_back(i * d->stride * plane + j * h->stride * row + k * v->stride * n);
    for (std::size_t i = 0; i < d->size; ++i)
      for (std::size_t j = 0; j < h->size; ++j)
        for (std::size_t k = 0; k < v->size; ++k)
          taps.push_back(i * d->dilation * plane + j * h->dilation * row + k * v->dilation * n);
    for (const std::size_t tap : taps)
      for (std::size_t c = 0; c < run; ++c) at.push_back(tap + c);
  }
};

/// Reads samples as they lie, or, where they have a border or other numbers than Real, in scratch.
template <class Real> class SampleReader {
 public:
  SampleReader(const Rows& x, const Window& window)
      : x_(x),
        w_(window),
        lead_(leading_axis(window)),
        stride_(bordered_stride(window, lead_)),
        in_place_(!window.has_border() && x.pointers.template is_plain<Real>()) {}

  /// Elements of scratch for so many rows along the leading axis.
  std::size_t scratch(std::size_t rows) const { return in_place_ ? 0 : align<Real>(rows * stride_); }

  /// A sample with its border, of which only rows [first, last) along the leading axis are there.
  const Real* read(std::size_t sample, std::size_t first, std::size_t last, Real* scratch) const {
    if (in_place_) return static_cast<const Real*>(x_.pointers.at[sample]);
    const std::size_t item = item_size(x_.pointers.source), n = w_.channels;
    const bool plain = x_.pointers.template is_plain<Real>();
    IndirectionBuffer from = x_.pointers;
    Real* const base = scratch - first * stride_;
    Real* blank = scratch;  // from here on nothing is written yet
    each_line(first, last, [&](std::size_t i, std::size_t j, std::size_t begin, std::size_t end) {
      const std::size_t at = ((i * w_.axis[1].in + j) * w_.axis[2].in + begin) * n, count = (end - begin) * n;
      const void* const row = static_cast<const char*>(x_.pointers.at[sample]) + at * item;
      Real* const to = base + place(i, j, begin);
      from.at = &row;
      std::fill(blank, to, Real(0));
      blank = to + count;
      if (plain)
        std::copy_n(static_cast<const Real*>(row), count, to);
      else
        products<Real>().gather(from, 1, count, to, count);
    });
    std::fill(blank, scratch + (last - first) * stride_, Real(0));
    return base;
  }

  /// The same of some channels, from `channel` of the sample's `channels` on, no more than the window has.
  const Real* read_some(std::size_t sample, std::size_t first, std::size_t last, std::size_t channel, std::size_t some,
                        std::size_t channels, Real* scratch) const {
    const std::size_t n = w_.channels, item = item_size(x_.pointers.source);
    std::fill_n(scratch, (last - first) * stride_, Real(0));
    Real* const base = scratch - first * stride_;
    const bool plain = x_.pointers.template is_plain<Real>();
    IndirectionBuffer from = x_.pointers;
    each_line(first, last, [&](std::size_t i, std::size_t j, std::size_t begin, std::size_t end) {
      const char* at = static_cast<const char*>(x_.pointers.at[sample]) +
                       (((i * w_.axis[1].in + j) * w_.axis[2].in + begin) * channels + channel) * item;
      Real* to = base + place(i, j, begin);
      for (std::size_t k = begin; k < end; ++k, at += channels * item, to += n) {
        const void* const row = at;
        from.at = &row;
        if (plain)
          std::copy_n(static_cast<const Real*>(row), some, to);
        else
          products<Real>().gather(from, 1, some, to, some);
      }
    });
    return base;
  }

  /// A sample with its border, from -> to, without it.
  void strip(const Real* from, Real* to) const {
    const std::size_t n = w_.axis[2].in * w_.channels;
    for (std::size_t i = 0; i < w_.axis[0].in; ++i)
      for (std::size_t j = 0; j < w_.axis[1].in; ++j, to += n) std::copy_n(from + place(i, j, 0), n, to);
  }

 private:
  /// work(i, j, begin, end) for each line along the last axis of what there is of the input in rows [first, last),
  /// with their border, along the leading axis.
  template <class Work> void each_line(std::size_t first, std::size_t last, const Work& work) const {
    std::size_t begin[3], end[3];
    for (int k = 0; k < 3; ++k) {
      const WindowAxis& a = w_.axis[k];
      begin[k] = k == lead_ ? std::max(first, a.before) - a.before : 0;
      end[k] = k == lead_ ? std::min(std::max(last, a.before) - a.before, a.in) : a.in;
    }
    for (std::size_t i = begin[0]; i < end[0]; ++i)
      for (std::size_t j = begin[1]; j < end[1] && begin[2] < end[2]; ++j) work(i, j, begin[2], end[2]);
  }
  /// Where a number of the input lies in a sample with its border.
  std::size_t place(std::size_t i, std::size_t j, std::size_t k) const {
    const WindowAxis* const a = w_.axis;
    return (((i + a[0].before) * a[1].bordered() + j + a[1].before) * a[2].bordered() + k + a[2].before) * w_.channels;
  }

  const Rows x_;
  const Window w_;
  const int lead_;
  const std::size_t stride_;
  const bool in_place_;
};

/// Writes the numbers under a window, of one group, at each of its places: a row (window) for each place of each
/// sample.
template <class Real> class GatherPatches {
 public:
  GatherPatches(const Rows& x, const Window& w, Real* made)
      : reader_(x, w), under_(w, 1), length_(w.axis[leading_axis(w)].bordered()), channels_(w.channels), made_(made) {}

  void operator()(std::size_t first, std::size_t count) const {
    std::vector<Real> scratch(reader_.scratch(length_));
    Real* to = made_ + first * under_.places.size() * under_.at.size();
    for (std::size_t i = first; i < first + count; ++i) {
      const Real* const sample = reader_.read(i, 0, length_, scratch.data());
      for (const std::size_t place : under_.places)
        for (const std::size_t tap : under_.taps) to = std::copy_n(sample + place + tap, channels_, to);
    }
  }

 private:
  SampleReader<Real> reader_;
  Patches under_;
  std::size_t length_, channels_;
  Real* made_;
};

}  // namespace gs
