// Conv1D, Conv2D, Conv3D.
#pragma once

#include <cstddef>

#include "activations/all.hpp"
#include "graph/call.hpp"
#include "graph/window.hpp"
#include "layers/channels_last.hpp"
#include "layers/pool.hpp"

namespace gs {

/// y = f(x * w + b): at each place of a window the numbers under it times w, as often as there are filters; with
/// groups, each share of the filters sees a share of the channels. A pool that alone reads y is done with it.
struct Conv {
  ChannelsLast in;
  std::size_t filters, groups;
  Window window;
  Shape kernel;
  ChannelsLast out;
  bool use_bias;
  ActivationUse activation;  // f
  std::optional<PoolUse> pool;

  static constexpr const char* name = "conv";
  template <class Settings>
  Conv(const Shapes& inputs, const Settings& settings)
      : in(inputs[0], settings.flag("channels_first")),
        filters(settings.whole("filters")),
        groups(settings.whole("groups")),
        window(window_of(in.last, settings.shape("size"), settings.shape("stride"), settings.shape("dilation"),
                         settings.flag("same")     ? Padding::same
                         : settings.flag("causal") ? Padding::causal
                                                   : Padding::valid)),
        kernel(settings.shape("size")),
        out(in.with(window, filters)),
        use_bias(settings.flag("use_bias")),
        activation(settings.activation("activation")) {
    settings.check(in.channels() % groups == 0 && filters % groups == 0,
                   "groups must divide the channels and the filters.");
    settings.check(window.places() > 0, "a window must fit into the input.");
    kernel.insert(kernel.end(), {in.channels() / groups, filters});
  }
  Shape output() const { return out.shape; }
  Shapes weights() const { return use_bias ? Shapes{kernel, {filters}} : Shapes{kernel}; }

  /// Takes up the pool that reads this, if it can be done strip by strip: whether it can.
  bool join(const Pool& next, bool training) {
    const auto& f = kernels().map.of[activation.index];
    if (pool || in.turns || next.in.turns || f.rowwise) return false;
    // Backward needs f' at what the pool has chosen, which y says, and has no place for gradients of large kernels.
    if (training && (f.uses_input || !has_small_kernel())) return false;
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
    schedule.convolve(convolution(), x(schedule, call, true), call.weight(0), bias(call),
                      values(schedule, call, y_of(call)));
    if (!pool) out.put_y(schedule, call);
  }

  // dy -> dx (batch, in), dw, db
  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    Convolution conv = convolution();
    const Rows samples = x(schedule, call, false);
    const Matrix<Real> dx = in.dx(call);
    Matrix<Real> turned;
    if (dx) {
      const std::size_t n = size_of(kernel);
      turned = call.save("turned kernel", n, n);
      schedule.turn_kernel(call.weight(0), window.size(), kernel[kernel.size() - 2], groups, filters, turned);
    }
    const Matrix<Real> dy = pool ? call.dy(conv.out()) : out.dy(schedule, call);
    ConvValues<Real> made = values(schedule, call, y_of(call));
    if (has_small_kernel()) {
      schedule.convolve_back(conv, samples, made, dy, turned, dx, call.weight(0), bias(call));
    } else {
      const Matrix<Real> dz = reshaped(dy, filters);
      schedule.activation_grad(activation, {made.z, dz.rows, filters}, {made.y, dz.rows, filters}, dz);
      conv.activation = {};
      if (dx) schedule.convolve_back(conv, samples, made, dz, turned, dx, nullptr, nullptr);
      schedule.weight_grad(conv, samples, dz, call.weight(0));
      if (use_bias) schedule.bias_grad(dz, call.weight(1));
    }
    if (dx) in.put_dx(schedule, call);
  }

 private:
  /// Whether parts of its gradient, one for each of some blocks of samples, take little memory.
  bool has_small_kernel() const { return size_of(kernel) <= 40000; }

  Convolution convolution() const { return {window, filters, groups, activation, pool}; }
  template <class Real> const Weight<Real>* bias(const Call<Real>& call) const {
    return use_bias ? call.weight(1) : nullptr;
  }
  /// The samples, their channels last.
  template <class Real> Rows x(Schedule<Real>& schedule, Call<Real>& call, bool first) const {
    if (!in.turns) return call.x(in.size());
    return schedule.rows(first ? in.x(schedule, call) : call.save("turned x", schedule.batch * in.size(), in.size()));
  }
  template <class Real> Matrix<Real> y_of(Call<Real>& call) const {
    return pool ? call.y(convolution().out()) : out.y(call);
  }
  template <class Real>
  ConvValues<Real> values(const Schedule<Real>& schedule, Call<Real>& call, Matrix<Real> y) const {
    ConvValues<Real> made{y.at, y.at};
    if (pool && schedule.training && !pool->mean) made.index = Pool::index(call, y);
    if (!pool && schedule.training && kernels().map.of[activation.index].uses_input)
      made.z = call.save("z", filters).at;
    return made;
  }
};

}  // namespace gs
