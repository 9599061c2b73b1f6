// Images moved, turned, zoomed, flipped, cut out or resized.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/random.hpp"
#include "graph/call.hpp"
#include "layers/channels_last.hpp"

namespace gs {

/// Each pixel of the output is the input at an affine function of its place, between pixels interpolated. The function
/// is drawn anew for each sample, in training alone; or it resizes a box of the input, always.
struct Warp {
  /// What is drawn, and from which range each number of `ranges` is: (low, high) for one after another.
  enum class Draws {
    nothing,      // a box is resized
    flip,         // whether rows and columns may be reversed: 1 or 0
    translation,  // by how many heights, widths
    rotation,     // by which angle, in radians
    zoom,         // which part of the height and width is seen; the second range is empty if both are one number
    crop,         // (low, high): what is left out above and at the left, in pixels; in inference a box is resized
  };
  enum class Fill { constant, nearest, reflect, wrap };

  ChannelsLast in, out;
  Draws draws;
  Fill fill;
  bool nearest;  // pixel, instead of a mean of four
  double fill_value;
  std::vector<double> ranges;
  std::vector<double> box;  // top, left, height and width, if one is resized
  std::uint64_t key;

  static constexpr const char* name = "warp";
  template <class Settings>
  Warp(const Shapes& inputs, const Settings& settings)
      : in(inputs[0], settings.flag("channels_first")),
        out(settings.shape("output"), settings.flag("channels_first")),
        draws(Draws(settings.one_of("draws", {"nothing", "flip", "translation", "rotation", "zoom", "crop"}))),
        fill(Fill(settings.one_of("fill", {"constant", "nearest", "reflect", "wrap"}))),
        nearest(settings.flag("nearest")),
        fill_value(settings.real("fill_value")),
        ranges(settings.reals("ranges")),
        box(settings.reals("box")),
        key(settings.key("key")) {
    ranges.resize(4);
    box.resize(4);
  }
  Shape output() const { return out.shape; }
  Shapes weights() const { return {}; }
  std::vector<std::uint64_t*> keys() { return {&key}; }

  // x (batch, in) -> y (batch, out)
  template <class Real> void forward(Schedule<Real>& schedule, Call<Real>& call) const {
    if (!schedule.training && draws != Draws::nothing && draws != Draws::crop) return call.pass();
    const Matrix<Real> x = in.x(schedule, call), y = out.y(call);
    schedule.each_row(x.rows, x.columns + y.columns, {{x.at}, {y.at}},
                      [*this, x, y, &schedule](std::size_t first, std::size_t count) {
                        const std::size_t n = in.channels();
                        for (std::size_t i = first; i < first + count; ++i) {
                          const Real* const from = x.at + i * x.columns;
                          each_pixel<Real>(schedule, i, [&](std::size_t pixel, const Tap* taps, std::size_t some) {
                            Real* const to = y.at + i * y.columns + pixel * n;
                            std::fill_n(to, n, Real(0));
                            for (const Tap* tap = taps; tap < taps + some; ++tap)
                              for (std::size_t k = 0; k < n; ++k)
                                to[k] += Real(tap->weight) *
                                         (tap->source < 0 ? Real(fill_value) : from[std::size_t(tap->source) * n + k]);
                          });
                        }
                      });
    out.put_y(schedule, call);
  }

  // dy (batch, out) -> dx (batch, in)
  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Matrix<Real> dx = in.dx(call);
    if (!dx) return;
    const Matrix<Real> dy = out.dy(schedule, call);
    schedule.each_row(dx.rows, dx.columns + dy.columns, {{dy.at}, {dx.at}},
                      [*this, dx, dy, &schedule](std::size_t first, std::size_t count) {
                        const std::size_t n = in.channels();
                        for (std::size_t i = first; i < first + count; ++i) {
                          Real* const to = dx.at + i * dx.columns;
                          std::fill_n(to, dx.columns, Real(0));
                          each_pixel<Real>(schedule, i, [&](std::size_t pixel, const Tap* taps, std::size_t some) {
                            const Real* const from = dy.at + i * dy.columns + pixel * n;
                            for (const Tap* tap = taps; tap < taps + some; ++tap)
                              for (std::size_t k = 0; k < n && tap->source >= 0; ++k)
                                to[std::size_t(tap->source) * n + k] += Real(tap->weight) * from[k];
                          });
                        }
                      });
    in.put_dx(schedule, call);
  }

  template <class Real> void tangent(Schedule<Real>& schedule, Call<Real>&, Call<Real>& d) const {
    Warp linear = *this;
    linear.fill_value = 0;
    linear.forward(schedule, d);
  }

 private:
  /// A pixel of the input, negative outside of it, and what it counts for.
  struct Tap {
    std::ptrdiff_t source;
    double weight;
  };
  /// Where a pixel (row, column) of the output is in the input: row and column are m[0] row + m[1] column + m[2], and
  /// so on.
  using Matrix2x3 = std::array<double, 6>;

  /// visit(pixel of the output, its taps, how many) for each pixel of sample i of the batch.
  template <class Real, class Visit> void each_pixel(const Schedule<Real>& schedule, std::size_t i, Visit visit) const {
    const bool resizes = draws == Draws::nothing || !schedule.training;
    const Matrix2x3 m = resizes ? resizing() : drawn(std::uint64_t(schedule.ids[i]), schedule.number);
    const std::size_t wide = out.last[1];
    Tap taps[4];
    for (std::size_t row = 0; row < out.last[0]; ++row)
      for (std::size_t column = 0; column < wide; ++column) {
        const double y = m[0] * double(row) + m[1] * double(column) + m[2];
        const double x = m[3] * double(row) + m[4] * double(column) + m[5];
        visit(row * wide + column, taps, tap(y, x, resizes, taps));
      }
  }

  /// The taps of a place of the input; how many they are.
  std::size_t tap(double y, double x, bool resizes, Tap* taps) const {
    if (nearest) {
      const double row = resizes ? std::floor(y + 0.5) : std::nearbyint(y);
      const double column = resizes ? std::floor(x + 0.5) : std::nearbyint(x);
      taps[0] = {source(std::ptrdiff_t(row), std::ptrdiff_t(column), resizes), 1};
      return 1;
    }
    const double top = std::floor(y), left = std::floor(x), below = y - top, right = x - left;
    std::size_t some = 0;
    for (int down = 0; down < 2; ++down)
      for (int aside = 0; aside < 2; ++aside) {
        const double weight = (down ? below : 1 - below) * (aside ? right : 1 - right);
        if (weight != 0)
          taps[some++] = {source(std::ptrdiff_t(top) + down, std::ptrdiff_t(left) + aside, resizes), weight};
      }
    return some;
  }

  std::ptrdiff_t source(std::ptrdiff_t row, std::ptrdiff_t column, bool resizes) const {
    row = inside(row, 0, resizes);
    column = inside(column, 1, resizes);
    return row < 0 || column < 0 ? -1 : row * std::ptrdiff_t(in.last[1]) + column;
  }

  /// A row, or a column, that is in the input, or negative.
  std::ptrdiff_t inside(std::ptrdiff_t at, std::size_t axis, bool resizes) const {
    const auto n = std::ptrdiff_t(in.last[axis]);
    if (resizes) {  // the edges of the box go on
      const auto begin = std::ptrdiff_t(box[axis]), end = begin + std::ptrdiff_t(box[axis + 2]);
      at = std::clamp(at, begin, end - 1);
    }
    if (at >= 0 && at < n) return at;
    if (fill == Fill::nearest) return std::clamp<std::ptrdiff_t>(at, 0, n - 1);
    if (fill == Fill::wrap) return (at % n + n) % n;
    if (fill == Fill::constant) return -1;
    const std::ptrdiff_t place = (at % (2 * n) + 2 * n) % (2 * n);
    return place < n ? place : 2 * n - 1 - place;
  }

  /// Of the box; places are the middles of pixels.
  Matrix2x3 resizing() const {
    const double y = box[2] / double(out.last[0]), x = box[3] / double(out.last[1]);
    return {y, 0, (y - 1) / 2 + box[0], 0, x, (x - 1) / 2 + box[1]};
  }

  /// Of a sample in a pass.
  Matrix2x3 drawn(std::uint64_t id, std::uint32_t pass) const {
    const auto high = double(in.last[0]), wide = double(in.last[1]);
    const auto bits = philox({0, std::uint32_t(id), std::uint32_t(id >> 32), pass}, key);
    const double u = bits[0] * 0x1p-32, v = bits[1] * 0x1p-32;
    const double first = ranges[0] + u * (ranges[1] - ranges[0]), second = ranges[2] + v * (ranges[3] - ranges[2]);
    switch (draws) {
      case Draws::flip: {
        const bool up = ranges[0] > 0 && u < 0.5, over = ranges[2] > 0 && v < 0.5;
        return {up ? -1.0 : 1.0, 0, up ? high - 1 : 0, 0, over ? -1.0 : 1.0, over ? wide - 1 : 0};
      }
      case Draws::translation:
        return {1, 0, -first * high, 0, 1, -second * wide};
      case Draws::rotation: {
        const double c = std::cos(first), s = std::sin(first), y = (high - 1) / 2, x = (wide - 1) / 2;
        return {c, s, y - c * y - s * x, -s, c, x + s * y - c * x};
      }
      case Draws::zoom: {
        const double y = first, x = ranges[2] > ranges[3] ? first : second;
        return {y, 0, (high - 1) / 2 * (1 - y), 0, x, (wide - 1) / 2 * (1 - x)};
      }
      default:
        return {1, 0, std::floor(u * (ranges[1] + 1)), 0, 1, std::floor(v * (ranges[3] + 1))};
    }
  }
};

}  // namespace gs
