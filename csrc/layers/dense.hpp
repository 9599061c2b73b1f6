// Dense.
#pragma once

#include <cstddef>

#include "activations/all.hpp"
#include "graph/call.hpp"
#include "graph/tangent.hpp"

namespace gs {

/// y = f(x w + b), along the last axis.
struct Dense {
  Shape shape;  // of the output
  std::size_t in, out;
  bool use_bias;
  ActivationUse activation;  // f

  static constexpr const char* name = "dense";
  template <class Settings>
  Dense(const Shapes& inputs, const Settings& settings)
      : shape(inputs[0]),
        in(last_of(inputs[0])),
        out(settings.whole("units")),
        use_bias(settings.flag("use_bias")),
        activation(settings.activation("activation")) {
    shape.back() = out;
  }
  Shape output() const { return shape; }
  Shapes weights() const { return use_bias ? Shapes{{in, out}, {out}} : Shapes{{in, out}}; }

  // x (rows, in), w (in, out), b (out) -> z = x w + b, y = f(z) (rows, out); z may be y
  template <class Real> void forward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Matrix<Real> z = z_of(schedule, call);
    schedule.product(call.x(in), call.weight(0), use_bias ? call.weight(1) : nullptr, z);
    schedule.activate(activation, z, call.y(out));
  }

  // dy (rows, out), which becomes dz in place -> dx = dz w^T (rows, in), dw = x^T dz, db = dz's rows summed
  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Matrix<Real> dy = call.dy(out);
    schedule.activation_grad(activation, z_of(schedule, call), call.y(out), dy);
    if (const Matrix<Real> dx = call.dx(in)) schedule.input_grad(dy, call.weight(0), dx);
    schedule.weight_grad(call.x(in), dy, call.weight(0));
    if (use_bias) schedule.bias_grad(dy, call.weight(1));
  }

  // dx, dw, db -> dz = dx w + x dw + db, dy = f'(z) dz (rows, out)
  static constexpr bool skips_zeros = true;
  template <class Real> void tangent(Schedule<Real>& schedule, Call<Real>& call, Call<Real>& d) const {
    const Matrix<Real> dy = d.y(out);
    const bool moves = d.x_moves();
    product_tangent(schedule, call, d, call.x(in), moves ? d.x(in) : Rows{}, moves, 0, use_bias ? d.weight(1) : nullptr,
                    dy, "by weights");
    activation_tangent(schedule, activation, z_of(schedule, call), call.y(out), dy);
  }

 private:
  template <class Real> Matrix<Real> z_of(const Schedule<Real>& schedule, Call<Real>& call) const {
    const bool keeps = schedule.training && kernels().map.of[activation.index].uses_input;
    return keeps ? call.save("z", out) : call.y(out);
  }
};

}  // namespace gs
