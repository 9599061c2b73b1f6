// Softmax along any axes.
#pragma once

#include <cstddef>

#include "activations/all.hpp"
#include "graph/activate_rows.hpp"
#include "graph/call.hpp"
#include "layers/axes.hpp"

namespace gs {

/// y = exp(x) over its sum along some axes.
struct SoftmaxLayer {
  Shape shape;
  AxesLast axes;
  std::size_t n;

  static constexpr const char* name = "softmax";
  template <class Settings>
  SoftmaxLayer(const Shapes& inputs, const Settings& settings)
      : shape(inputs[0]), axes(shape, settings.shape("axes")), n(axes.columns()) {}
  Shape output() const { return shape; }
  Shapes weights() const { return {}; }

  // x (rows, n) -> y (rows, n)
  template <class Real> void forward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Rows x = axes.x(schedule, call);
    const Matrix<Real> y = axes.y(call);
    activate_rows(schedule, softmax, x, y, y);
    axes.put_y(schedule, call);
  }

  // dy, y (rows, n) -> dx (rows, n)
  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Matrix<Real> dx = axes.dx(call);
    if (!dx) return;
    const Matrix<Real> dy = axes.dy(schedule, call), y = axes.y(call);
    activation_grad_rows(schedule, softmax, y, y, dy, dx);
    axes.put_dx(schedule, call);
  }

  template <class Real> void tangent(Schedule<Real>& schedule, Call<Real>& call, Call<Real>& d) const {
    const Rows dx = axes.x(schedule, d);
    const Matrix<Real> y = axes.y(call), dy = axes.y(d);
    schedule.copy(dx, dy);
    schedule.activation_grad(softmax, y, y, dy);
    axes.put_y(schedule, d);
  }

 private:
  static constexpr ActivationUse softmax{index_of<Softmax>(Activations{})};
};

}  // namespace gs
