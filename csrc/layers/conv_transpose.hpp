// Conv1DTranspose, Conv2DTranspose, Conv3DTranspose.
#pragma once

#include <cstddef>

#include "activations/all.hpp"
#include "graph/call.hpp"
#include "layers/convolve.hpp"

namespace gs {

/// y = f(x *' w + b): what a convolution of y by w would send back where x were the gradient by its output.
struct ConvTranspose {
  ChannelsLast in;
  std::size_t filters;
  Window window;  // of that convolution, over y
  Shape kernel;
  ChannelsLast out;
  bool use_bias;
  ActivationUse activation;  // f

  static constexpr const char* name = "conv_transpose";
  template <class Settings>
  ConvTranspose(const Shapes& inputs, const Settings& settings)
      : in(inputs[0], settings.flag("channels_first")),
        filters(settings.whole("filters")),
        kernel(settings.shape("size")),
        out(in),
        use_bias(settings.flag("use_bias")),
        activation(settings.activation("activation")) {
    const Shape stride = settings.shape("stride"), dilation = settings.shape("dilation");
    const Shape length = settings.shape("length"), before = settings.shape("before");
    const std::size_t n = kernel.size();
    Shape made = in.last;
    for (std::size_t k = 0; k < n; ++k) {
      const std::size_t reach = (in.last[k] - 1) * stride[k] + (kernel[k] - 1) * dilation[k] + 1;
      WindowAxis& axis = window.axis[3 - n + k];
      axis = {length[k], kernel[k], stride[k], dilation[k], before[k], 0, in.last[k]};
      axis.after = reach > before[k] + length[k] ? reach - before[k] - length[k] : 0;
      made[k] = length[k];
    }
    made.back() = window.channels = filters;
    Shape shape = made;
    if (in.turns) std::rotate(shape.begin(), shape.end() - 1, shape.end());
    out = ChannelsLast(shape, in.turns);
    kernel.insert(kernel.end(), {filters, in.channels()});
  }
  Shape output() const { return out.shape; }
  Shapes weights() const { return use_bias ? Shapes{kernel, {filters}} : Shapes{kernel}; }

  // x (batch * places, channels), w (window, filters, channels), b (filters) -> z, y = f(z) (batch, out)
  template <class Real> void forward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Convolution conv = convolution();
    const Matrix<Real> z = z_of(schedule, call), y = out.y(call);
    const Weight<Real>* const w = call.weight(0);
    schedule.convolve_back(conv, schedule.rows(z), {}, in.x(schedule, call),
                           turned_kernel(conv, schedule, call, "turned kernel", w), z, nullptr, nullptr, false,
                           use_bias ? call.weight(1)->w : nullptr);
    schedule.activate(activation, reshaped(z, filters), reshaped(y, filters));
    out.put_y(schedule, call);
  }

  // dy, which becomes dz in place -> dx (batch * places, channels), dw, db
  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Convolution conv = convolution();
    const Matrix<Real> dz = out.dy(schedule, call), x = x_of(schedule, call);
    schedule.activation_grad(activation, reshaped(z_of(schedule, call), filters), reshaped(out.y(call), filters),
                             reshaped(dz, filters));
    const Rows samples = schedule.rows(reshaped(dz, out.size()));
    if (const Matrix<Real> dx = in.dx(call)) {
      schedule.convolve(conv, samples, call.weight(0), nullptr, {dx.at, dx.at});
      in.put_dx(schedule, call);
    }
    convolve_back(conv, schedule, samples, ConvValues<Real>{}, x, {}, {}, call.weight(0),
                  static_cast<const Weight<Real>*>(nullptr));
    if (use_bias) schedule.bias_grad(reshaped(dz, filters), call.weight(1));
  }

  // dx, dw, db -> dz = dx *' w + x *' dw + db, dy = f'(z) dz (batch, out)
  static constexpr bool skips_zeros = true;
  template <class Real> void tangent(Schedule<Real>& schedule, Call<Real>& call, Call<Real>& d) const {
    const Matrix<Real> dy = out.y(d);
    const auto by = [&](Matrix<Real> x, Call<Real>& of, const Weight<Real>* start, Matrix<Real> to) {
      const Convolution conv = convolution();
      schedule.convolve_back(conv, schedule.rows(to), {}, x,
                             turned_kernel(conv, schedule, of, "turned kernel", of.weight(0)), to, nullptr, nullptr,
                             false, start ? start->w : nullptr);
    };
    bilinear_tangent(
        schedule, d, d.x_moves(), use_bias ? d.weight(1) : nullptr, dy, "by weights",
        [&](const Weight<Real>* start, Matrix<Real> to) { by(in.x(schedule, d), call, start, to); },
        [&](const Weight<Real>* start, Matrix<Real> to) { by(x_of(schedule, call), d, start, to); });
    activation_tangent(schedule, activation, reshaped(z_of(schedule, call), filters), reshaped(out.y(call), filters),
                       reshaped(dy, filters));
    out.put_y(schedule, d);
  }

 private:
  Convolution convolution() const { return {window, in.channels(), 1, {}, {}}; }
  template <class Real> Matrix<Real> x_of(const Schedule<Real>& schedule, Call<Real>& call) const {
    return in.turns ? call.save("turned x", schedule.batch * in.size(), in.size()) : call.x_matrix(in.size());
  }
  template <class Real> Matrix<Real> z_of(const Schedule<Real>& schedule, Call<Real>& call) const {
    const bool keeps = schedule.training && kernels().map.of[activation.index].uses_input;
    return keeps ? call.save("z", out.size()) : out.y(call);
  }
};

}  // namespace gs
