// SeparableConv1D, SeparableConv2D.
#pragma once

#include <cstddef>

#include "activations/all.hpp"
#include "graph/call.hpp"
#include "layers/convolve.hpp"

namespace gs {

/// y = f((x * u) w + b): a convolution that has filters u for each channel, then one by w at each place.
struct SeparableConv {
  ChannelsLast in;
  std::size_t each, filters;  // filters of a channel, and of all
  Window window;
  Shape kernel;
  ChannelsLast out;
  bool use_bias;
  ActivationUse activation;  // f

  static constexpr const char* name = "separable_conv";
  template <class Settings>
  SeparableConv(const Shapes& inputs, const Settings& settings)
      : in(inputs[0], settings.flag("channels_first")),
        each(settings.whole("depth_multiplier")),
        filters(settings.whole("filters")),
        window(window_from(settings, in.last)),
        kernel(settings.shape("size")),
        out(in.with(window, filters)),
        use_bias(settings.flag("use_bias")),
        activation(settings.activation("activation")) {
    kernel.insert(kernel.end(), {in.channels(), each});
  }
  Shape output() const { return out.shape; }
  Shapes weights() const {
    Shape point(kernel.size() - 2, 1);
    point.insert(point.end(), {between(), filters});
    return use_bias ? Shapes{kernel, point, {filters}} : Shapes{kernel, point};
  }

  // x (batch, in), u (window, channels, each), w (channels * each, filters), b (filters)
  // -> h = x * u (batch * places, channels * each), z = h w + b, y = f(z) (batch * places, filters)
  template <class Real> void forward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Matrix<Real> h = between(schedule, call, "h");
    schedule.convolve(depthwise(), samples_of(in, schedule, call, true), call.weight(0), nullptr, {h.at, h.at});
    schedule.convolve(pointwise(), schedule.rows(h), call.weight(1), bias(call), values(schedule, call));
    out.put_y(schedule, call);
  }

  // dy -> dh, dw, db; dx, du
  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Convolution first = depthwise(), last = pointwise();
    const Weight<Real>*const u = call.weight(0), *const w = call.weight(1);
    const Matrix<Real> h = between(schedule, call, "h"), dh = between(schedule, call, "dh"), dx = in.dx(call);
    convolve_back(last, schedule, schedule.rows(h), values(schedule, call), out.dy(schedule, call),
                  turned_kernel(last, schedule, call, "turned kernel", w), dh, w, bias(call));
    Matrix<Real> turned;
    if (dx) turned = turned_kernel(first, schedule, call, "turned depthwise kernel", u);
    convolve_back(first, schedule, samples_of(in, schedule, call, false), {h.at, h.at}, dh, turned, dx, u,
                  static_cast<const Weight<Real>*>(nullptr));
    if (dx) in.put_dx(schedule, call);
  }

  // dh = dx * u + x * du, dz = dh w + h dw + db, dy = f'(z) dz
  static constexpr bool skips_zeros = true;
  template <class Real> void tangent(Schedule<Real>& schedule, Call<Real>& call, Call<Real>& d) const {
    const Matrix<Real> h = between(schedule, call, "h"), dh = between(schedule, d, "h"),
                       dy = reshaped(out.y(d), filters);
    const Weight<Real>* const none = nullptr;
    convolve_tangent(depthwise(), schedule, call, d, samples_of(in, schedule, call, false),
                     d.x_moves() ? samples_of(in, schedule, d, true) : Rows{}, d.x_moves(), 0, none, dh,
                     "h by weights");
    convolve_tangent(pointwise(), schedule, call, d, schedule.rows(h), schedule.rows(dh), true, 1, bias(d), dy,
                     "by weights");
    const ConvValues<Real> v = values(schedule, call);
    activation_tangent(schedule, activation, {v.z, dy.rows, filters}, {v.y, dy.rows, filters}, dy);
    out.put_y(schedule, d);
  }

 private:
  std::size_t between() const { return in.channels() * each; }
  Convolution depthwise() const { return {window, between(), in.channels(), {}, {}}; }
  Convolution pointwise() const {
    Window point;
    for (int k = 0; k < 3; ++k) point.axis[k].in = point.axis[k].out = window.axis[k].out;
    point.channels = between();
    return {point, filters, 1, activation, {}};
  }
  template <class Real> Matrix<Real> between(const Schedule<Real>& schedule, Call<Real>& call, const char* name) const {
    const std::size_t n = window.places() * between();
    return call.save(name, schedule.batch * n, n);
  }
  template <class Real> const Weight<Real>* bias(const Call<Real>& call) const {
    return use_bias ? call.weight(2) : nullptr;
  }
  template <class Real> ConvValues<Real> values(const Schedule<Real>& schedule, Call<Real>& call) const {
    const Matrix<Real> y = out.y(call);
    ConvValues<Real> made{y.at, y.at};
    if (schedule.training && kernels().map.of[activation.index].uses_input) made.z = call.save("z", filters).at;
    return made;
  }
};

}  // namespace gs
