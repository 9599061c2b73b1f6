// Conv1D, Conv2D, Conv3D.
#pragma once

#include <cstddef>

#include "activations/all.hpp"
#include "graph/call.hpp"
#include "graph/window.hpp"
#include "layers/channels_last.hpp"

namespace gs {

/// y = f(x * w + b): at each place of a window the numbers under it times w, as often as there are filters; with
/// groups, each share of the filters sees a share of the channels. It is a product whose rows are read where they lie.
struct Conv {
  ChannelsLast in;
  std::size_t filters, groups;
  Window window;
  Shape kernel;
  ChannelsLast out;
  bool use_bias;
  ActivationUse activation;  // f

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

  // x (batch, in), w (window, channels / groups, filters), b (filters) -> z, y = f(z) (batch * places, filters)
  template <class Real> void forward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Matrix<Real> z = z_of(schedule, call);
    if (window.has_border() && !in.turns)
      schedule.border(call.x(in.size()), window, bordered(schedule, call).at);
    else if (window.has_border())
      schedule.border(schedule.rows(in.x(schedule, call)), window, bordered(schedule, call).at);
    else if (in.turns)
      in.x(schedule, call);
    schedule.product(patches(schedule, call), bordered(schedule, call), call.weight(0),
                     use_bias ? call.weight(1) : nullptr, z);
    schedule.activate(activation, z, reshaped(out.y(call), filters));
    out.put_y(schedule, call);
  }

  // dy, which becomes dz in place -> dx (batch, in), dw, db
  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Matrix<Real> dz = reshaped(out.dy(schedule, call), filters);
    schedule.activation_grad(activation, z_of(schedule, call), reshaped(out.y(call), filters), dz);
    if (const Matrix<Real> dx = in.dx(call)) {
      const std::size_t n = size_of(kernel);
      const Matrix<Real> turned = call.save("turned kernel", n, n);
      schedule.turn_kernel(call.weight(0), window.size(), kernel[kernel.size() - 2], groups, filters, turned);
      schedule.input_grad(dz, turned, window, groups, dx);
      in.put_dx(schedule, call);
    }
    schedule.weight_grad(patches(schedule, call), bordered(schedule, call), dz, call.weight(0));
    if (use_bias) schedule.bias_grad(dz, call.weight(1));
  }

 private:
  /// The input as it is read.
  template <class Real> Matrix<Real> bordered(Schedule<Real>& schedule, Call<Real>& call) const {
    const std::size_t n = window.bordered();
    if (window.has_border()) return call.save("bordered x", schedule.batch * n, n);
    return in.turns ? call.save("turned x", schedule.batch * n, n) : call.x_matrix(n);
  }
  template <class Real> const Patches& patches(Schedule<Real>& schedule, Call<Real>& call) const {
    return schedule.patches(bordered(schedule, call), window, groups);
  }
  template <class Real> Matrix<Real> z_of(const Schedule<Real>& schedule, Call<Real>& call) const {
    const bool keeps = schedule.training && kernels().map.of[activation.index].uses_input;
    return keeps ? call.save("z", filters) : reshaped(out.y(call), filters);
  }
};

}  // namespace gs
