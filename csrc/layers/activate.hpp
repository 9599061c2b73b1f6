// An activation as a layer.
#pragma once

#include <cstddef>

#include "activations/all.hpp"
#include "graph/activate_rows.hpp"
#include "graph/call.hpp"
#include "graph/tangent.hpp"

namespace gs {

/// y = f(x); along the last axis, of an f that takes rows.
struct Activate {
  Shape shape;
  std::size_t n;             // numbers of a row
  ActivationUse activation;  // f

  static constexpr const char* name = "activation";
  template <class Settings>
  Activate(const Shapes& inputs, const Settings& settings)
      : shape(inputs[0]), n(last_of(shape)), activation(settings.activation("activation")) {}
  Shape output() const { return shape; }
  Shapes weights() const { return {}; }

  // x (rows, n) -> z, a copy of x that backward may read, y = f(z) (rows, n); z may be y
  template <class Real> void forward(Schedule<Real>& schedule, Call<Real>& call) const {
    activate_rows(schedule, activation, call.x(n), z_of(schedule, call), call.y(n));
  }

  // dy (rows, n) -> dx (rows, n)
  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Matrix<Real> dx = call.dx(n);
    if (dx) activation_grad_rows(schedule, activation, z_of(schedule, call), call.y(n), call.dy(n), dx);
  }

  template <class Real> void tangent(Schedule<Real>& schedule, Call<Real>& call, Call<Real>& d) const {
    schedule.copy(d.x(n), d.y(n));
    activation_tangent(schedule, activation, z_of(schedule, call), call.y(n), d.y(n));
  }

 private:
  template <class Real> Matrix<Real> z_of(const Schedule<Real>& schedule, Call<Real>& call) const {
    const bool keeps = schedule.training && kernels().map.of[activation.index].uses_input;
    return keeps ? call.save("z", n) : call.y(n);
  }
};

}  // namespace gs
