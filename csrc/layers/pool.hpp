// Pooling: MaxPooling2D, AveragePooling2D and their kin, and the global ones.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "graph/call.hpp"
#include "graph/convolution/window.hpp"
#include "layers/channels_last.hpp"
#include "runtime/dispatch.hpp"

namespace gs {

/// y = the largest number, or the mean, of each channel in a window at each of its places.
struct Pool {
  ChannelsLast in;
  Window window;
  ChannelsLast out;
  bool mean, flat;  // flat: without axes of 1

  static constexpr const char* name = "pool";
  template <class Settings>
  Pool(const Shapes& inputs, const Settings& settings)
      : in(inputs[0], settings.flag("channels_first")),
        window(window_of(in.last, settings.shape("size"), settings.shape("stride"), Shape(in.last.size() - 1, 1),
                         settings.flag("same") ? Padding::same : Padding::valid)),
        out(in.with(window, in.channels())),
        mean(settings.flag("mean")),
        flat(settings.flag("flat")) {
    settings.check(window.places() > 0, "a window must fit into the input.");
  }
  Shape output() const { return flat ? Shape{in.channels()} : out.shape; }
  Shapes weights() const { return {}; }

  // x (batch, in) -> y (batch, out), index (batch, out)
  template <class Real> void forward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Matrix<Real> x = in.x(schedule, call), y = out.y(call);
    std::byte* const which = schedule.training && !mean ? index(window, call, y) : nullptr;
    schedule.each_row(
        x.rows, x.columns, {{x.at}, {y.at, which}},
        [=, window = window, mean = mean, &loops = pool_loops<Real>()](std::size_t first, std::size_t count) {
          const Real* const from = x.at + first * x.columns;
          Real* const to = y.at + first * y.columns;
          if (mean)
            loops.mean_forward(window, from, count, to);
          else
            loops.max_forward(window, from, count, to,
                              which ? which + first * y.columns * index_size(window) : nullptr);
        });
    out.put_y(schedule, call);
  }

  // dy (batch, out), index (batch, out) -> dx (batch, in)
  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Matrix<Real> dx = in.dx(call);
    if (!dx) return;
    const Matrix<Real> dy = out.dy(schedule, call);
    const std::byte* const which = mean ? nullptr : index(window, call, dy);
    schedule.each_row(dx.rows, dx.columns, {{dy.at, which}, {dx.at}},
                      [=, window = window, &loops = pool_loops<Real>()](std::size_t first, std::size_t count) {
                        const Real* const from = dy.at + first * dy.columns;
                        Real* const to = dx.at + first * dx.columns;
                        if (!window.covers()) std::fill_n(to, count * dx.columns, Real(0));
                        if (which)
                          loops.max_backward(window, from, which + first * dy.columns * index_size(window), count, to);
                        else
                          loops.mean_backward(window, from, count, to);
                      });
    in.put_dx(schedule, call);
  }

  // dx (batch, in), index (batch, out) -> dy (batch, out)
  template <class Real> void tangent(Schedule<Real>& schedule, Call<Real>& call, Call<Real>& d) const {
    if (mean) return forward(schedule, d);
    const Matrix<Real> dx = in.x(schedule, d), dy = out.y(d);
    const std::byte* const which = index(window, call, dy);
    schedule.each_row(dx.rows, dx.columns, {{dx.at, which}, {dy.at}},
                      [=, window = window](std::size_t first, std::size_t count) {
                        for (std::size_t i = first; i < first + count; ++i)
                          pick(window, dx.at + i * dx.columns, which, i * dy.columns, dy.at);
                      });
    out.put_y(schedule, d);
  }

  /// Memory for which number of its window each of y is.
  template <class Real> static std::byte* index(const Window& window, Call<Real>& call, Matrix<Real> y) {
    const std::size_t n = (y.size() * index_size(window) + sizeof(Real) - 1) / sizeof(Real);
    return reinterpret_cast<std::byte*>(call.save("index", n, n).at);
  }

 private:
  // dx, a sample; index and dy from number `at` on: those of dx that were the largest
  template <class Real>
  static void pick(const Window& w, const Real* dx, const std::byte* index, std::size_t at, Real* dy) {
    const WindowAxis* const axis = w.axis;
    for (std::size_t i = 0; i < axis[0].out; ++i)
      for (std::size_t j = 0; j < axis[1].out; ++j)
        for (std::size_t k = 0; k < axis[2].out; ++k)
          for (std::size_t c = 0; c < w.channels; ++c, ++at) {
            std::size_t number = std::size_t(index[at]);
            if (index_size(w) > 1) number = reinterpret_cast<const std::uint32_t*>(index)[at];
            const std::size_t in_0 = i * axis[0].stride + number / (axis[1].size * axis[2].size) - axis[0].before,
                              in_1 = j * axis[1].stride + number / axis[2].size % axis[1].size - axis[1].before,
                              in_2 = k * axis[2].stride + number % axis[2].size - axis[2].before;
            dy[at] = dx[((in_0 * axis[1].in + in_1) * axis[2].in + in_2) * w.channels + c];
          }
  }
};

}  // namespace gs
