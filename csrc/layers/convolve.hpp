// What layers that convolve have in common: their windows, and how gradients go back.
#pragma once

#include <cstddef>

#include "graph/call.hpp"
#include "graph/convolution/window.hpp"
#include "graph/tangent.hpp"
#include "layers/channels_last.hpp"

namespace gs {

/// A window as the settings of a layer say, over samples of a shape whose channels are last.
template <class Settings> Window window_from(const Settings& settings, const Shape& in) {
  const Window window = window_of(in, settings.shape("size"), settings.shape("stride"), settings.shape("dilation"),
                                  settings.flag("same")     ? Padding::same
                                  : settings.flag("causal") ? Padding::causal
                                                            : Padding::valid);
  settings.check(window.places() > 0, "a window must fit into the input.");
  return window;
}

/// Numbers of a convolution's kernel.
inline std::size_t kernel_size(const Convolution& conv) {
  return conv.window.size() * (conv.window.channels / conv.groups) * conv.filters;
}
/// Whether parts of its gradient, one for each of some blocks of samples, take little memory.
inline bool has_small_kernel(const Convolution& conv) { return kernel_size(conv) <= 40000; }

/// The samples of a call, their channels last; in forward they are brought there.
template <class Real>
Rows samples_of(const ChannelsLast& in, Schedule<Real>& schedule, Call<Real>& call, bool forward) {
  if (!in.turns) return call.x(in.size());
  return schedule.rows(forward ? in.x(schedule, call) : call.save("turned x", schedule.batch * in.size(), in.size()));
}

/// The kernel in panels, as forward reads it where it is large and many places share it; else null.
template <class Real>
const Real* kernel_panels(const Convolution& conv, Schedule<Real>& schedule, Call<Real>& call, const Weight<Real>* w) {
  const std::size_t n = conv.filters, depth = conv.window.size() * conv.window.channels;
  if (conv.groups > 1 || n < 256 || depth < 256 || schedule.batch * conv.window.places() < 512) return nullptr;
  const std::size_t wide = products<Real>().panel_columns;
  const Blocks depths(depth, 256);
  Real* const to = call.save("kernel panels", (n + wide - 1) / wide * wide * depth, wide).at;
  schedule.each_row((n + wide - 1) / wide * depths.count, wide * 256, {{w->w}, {to}},
                    [=](std::size_t first, std::size_t count) {
                      for (std::size_t k = first; k < first + count; ++k) {
                        const std::size_t column = k / depths.count * wide, begin = depths.begin(k % depths.count);
                        Product<Real> part{};
                        part.b = w->w + begin * n + column;
                        part.ldb = n;
                        part.columns = n - column;
                        part.depth = depths.size(k % depths.count);
                        products<Real>().pack_panel(part, 0, to + column * depth + begin * wide);
                      }
                    });
  return to;
}

/// The kernel as backward reads it: (channels, filters) of each number of the window transposed, of each group apart;
/// of a depthwise convolution (channels, filters of each).
template <class Real>
Matrix<Real> turned_kernel(const Convolution& conv, Schedule<Real>& schedule, Call<Real>& call, const char* name,
                           const Weight<Real>* w) {
  const std::size_t n = conv.window.channels / conv.groups, size = kernel_size(conv);
  const bool depthwise = n == 1 && conv.groups > 1;
  if (n == 1 && (!depthwise || conv.share() == 1)) return {w->w, 1, size};
  const Matrix<Real> turned = call.save(name, size, size);
  if (depthwise)
    schedule.turn_kernel(w, conv.window.size(), conv.groups, 1, conv.share(), turned);
  else
    schedule.turn_kernel(w, conv.window.size(), n, conv.groups, conv.filters, turned);
  return turned;
}

/// dy, and what forward left -> dx, if it is wanted, dw and db, which update w and b. dy may be written over.
template <class Real>
void convolve_back(Convolution conv, Schedule<Real>& schedule, const Rows& x, const ConvValues<Real>& values,
                   Matrix<Real> dy, Matrix<Real> turned, Matrix<Real> dx, const Weight<Real>* w,
                   const Weight<Real>* b) {
  if (has_small_kernel(conv) && !w->is_curved)
    return schedule.convolve_back(conv, x, values, dy, turned, dx, w, b, true);
  const Matrix<Real> dz = reshaped(dy, conv.filters);
  schedule.activation_grad(conv.activation, {values.z, dz.rows, dz.columns}, {values.y, dz.rows, dz.columns}, dz);
  conv.activation = {};
  if (dx) schedule.convolve_back(conv, x, values, dz, turned, dx, nullptr, nullptr, false);
  schedule.weight_grad(conv, x, dz, w);
  if (b) schedule.bias_grad(dz, b);
}

/// dz = dx * w + x * dw + db of a convolution by weight `w` of a layer, whatever its activation is.
template <class Real>
void convolve_tangent(Convolution conv, Schedule<Real>& schedule, Call<Real>& call, Call<Real>& d, const Rows& x,
                      const Rows& dx, bool x_moves, std::size_t w, const Weight<Real>* b, Matrix<Real> dz,
                      const char* name) {
  conv.activation = {};
  const auto by = [&](const Rows& of, const Weight<Real>* kernel, const Weight<Real>* start, Matrix<Real> to) {
    schedule.convolve(conv, of, kernel, start, {to.at, to.at});
  };
  bilinear_tangent(
      schedule, d, x_moves, b, dz, name,
      [&](const Weight<Real>* start, Matrix<Real> to) { by(dx, call.weight(w), start, to); },
      [&](const Weight<Real>* start, Matrix<Real> to) { by(x, d.weight(w), start, to); });
}

}  // namespace gs
