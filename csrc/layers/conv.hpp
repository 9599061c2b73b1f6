// Conv1D, Conv2D, Conv3D, DepthwiseConv1D, DepthwiseConv2D.
#pragma once

#include <cstddef>
#include <optional>

#include "activations/all.hpp"
#include "graph/call.hpp"
#include "graph/tangent.hpp"
#include "layers/convolve.hpp"
#include "layers/pool.hpp"

namespace gs {

/// y = f(x * w + b): at each place of a window the numbers under it times w, as often as there are filters; with
/// groups, each share of the filters sees a share of the channels; depthwise, each channel has separate filters. A
/// pool that alone reads y is fused with it.
struct Conv {
  ChannelsLast in;
  bool depthwise;
  std::size_t filters, groups;
  Window window;
  ChannelsLast out;
  Shape kernel;
  bool use_bias;
  ActivationUse activation;  // f
  std::optional<PoolUse> pool;

  static constexpr const char* name = "conv";
  template <class Settings>
  Conv(const Shapes& inputs, const Settings& settings)
      : in(inputs[0], settings.flag("channels_first")),
        depthwise(settings.flag("depthwise")),
        filters(settings.whole("filters") * (depthwise ? in.channels() : 1)),
        groups(depthwise ? in.channels() : settings.whole("groups")),
        window(window_from(settings, in.last)),
        out(in.with(window, filters)),
        kernel(settings.shape("size")),
        use_bias(settings.flag("use_bias")),
        activation(settings.activation("activation")) {
    settings.check(in.channels() % groups == 0 && filters % groups == 0,
                   "groups must divide the channels and the filters.");
    if (depthwise)
      kernel.insert(kernel.end(), {groups, filters / groups});
    else
      kernel.insert(kernel.end(), {in.channels() / groups, filters});
  }
  Shape output() const { return out.shape; }
  Shapes weights() const { return use_bias ? Shapes{kernel, {filters}} : Shapes{kernel}; }

  /// Takes up the pool that reads this, if it can be done strip by strip: whether it can.
  bool join(const Pool& next, bool training) {
    const auto& f = kernels().map.of[activation.index];
    if (pool || in.turns || next.in.turns || f.rowwise) return false;
    // Backward needs f' at what the pool has chosen, which y says, and has no place for gradients of large kernels.
    if (training && (f.uses_input || !has_small_kernel(convolution()))) return false;
    if (training && next.mean && !activation.is<Linear>()) return false;
    pool = PoolUse{next.window, next.mean};
    for (int k = 0; k < 3; ++k) {
      WindowAxis& p = pool->window.axis[k];
      if (p.before == 0 && p.after == 0) p.in = (p.out - 1) * p.stride + p.size;
      window.axis[k].out = p.in;
    }
    return true;
  }

  // x (batch, in), w (window, channels / groups, filters), b (filters) -> z, y = f(z) (batch * places, filters)
  template <class Real> void forward(Schedule<Real>& schedule, Call<Real>& call) const {
    schedule.convolve(convolution(), samples_of(in, schedule, call, true), call.weight(0), bias(call),
                      values(schedule, call), kernel_panels(convolution(), schedule, call, call.weight(0)));
    if (!pool) out.put_y(schedule, call);
  }

  // dy -> dx (batch, in), dw, db
  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Convolution conv = convolution();
    const Matrix<Real> dx = in.dx(call);
    Matrix<Real> turned;
    if (dx) turned = turned_kernel(conv, schedule, call, "turned kernel", call.weight(0));
    const Matrix<Real> dy = pool ? call.dy(conv.out()) : out.dy(schedule, call);
    convolve_back(conv, schedule, samples_of(in, schedule, call, false), values(schedule, call), dy, turned, dx,
                  call.weight(0), bias(call));
    if (dx) in.put_dx(schedule, call);
  }

  // dx, dw, db -> dz = dx * w + x * dw + db, dy = f'(z) dz (batch * places, filters); not with a pool
  static constexpr bool skips_zeros = true;
  template <class Real> void tangent(Schedule<Real>& schedule, Call<Real>& call, Call<Real>& d) const {
    const Matrix<Real> dy = reshaped(out.y(d), filters);
    convolve_tangent(convolution(), schedule, call, d, samples_of(in, schedule, call, false),
                     d.x_moves() ? samples_of(in, schedule, d, true) : Rows{}, d.x_moves(), 0, bias(d), dy,
                     "by weights");
    const ConvValues<Real> v = values(schedule, call);
    activation_tangent(schedule, activation, {v.z, dy.rows, filters}, {v.y, dy.rows, filters}, dy);
    out.put_y(schedule, d);
  }

 private:
  Convolution convolution() const { return {window, filters, groups, activation, pool}; }
  template <class Real> const Weight<Real>* bias(const Call<Real>& call) const {
    return use_bias ? call.weight(1) : nullptr;
  }
  template <class Real> ConvValues<Real> values(const Schedule<Real>& schedule, Call<Real>& call) const {
    const Matrix<Real> y = pool ? call.y(convolution().out()) : out.y(call);
    ConvValues<Real> made{y.at, y.at};
    if (pool && schedule.training && !pool->mean) made.index = Pool::index(pool->window, call, y);
    if (!pool && schedule.training && kernels().map.of[activation.index].uses_input)
      made.z = call.save("z", filters).at;
    return made;
  }
};

}  // namespace gs
