// PReLU.
#pragma once

#include <cstddef>

#include "graph/call.hpp"
#include "kernels/layers/columns.hpp"
#include "layers/axes.hpp"

namespace gs {

/// y = x where x > 0, else alpha x, alpha a weight for each place along some axes, the same along the others. He et al.
/// 2015, arXiv:1502.01852.
struct PRelu {
  Shape shape, weight_shape;
  AxesLast axes;
  std::size_t n;  // slopes

  static constexpr const char* name = "prelu";
  template <class Settings>
  PRelu(const Shapes& inputs, const Settings& settings)
      : shape(inputs[0]), weight_shape(shape.size(), 1), axes(shape, settings.shape("axes")), n(axes.columns()) {
    for (const std::size_t axis : settings.shape("axes")) weight_shape[axis] = shape[axis];
  }
  Shape output() const { return shape; }
  Shapes weights() const { return {weight_shape}; }

  // x (rows, n), alpha (n) -> a copy of x, y (rows, n)
  template <class Real> void forward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Rows x = axes.x(schedule, call);
    const Matrix<Real> y = axes.y(call), z = schedule.training ? call.save("x", n) : y;
    const Real* const alpha = call.weight(0)->w;
    schedule.each_row(y.rows, n, {{x.memory, alpha}, {z.at, y.at}},
                      [=, n = n, forward = column_loops<Real>().leak_forward](std::size_t first, std::size_t count) {
                        Schedule<Real>::read(x, first, count, z);
                        forward(z.at + first * n, alpha, count, n, y.at + first * n);
                      });
    axes.put_y(schedule, call);
  }

  // dy (rows, n), the copy of x, which is used up -> dx (rows, n), dalpha (n)
  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Matrix<Real> dy = axes.dy(schedule, call), z = call.save("x", n), dx = axes.dx(call);
    const Real* const alpha = call.weight(0)->w;
    schedule.each_row(dy.rows, n, {{dy.at, alpha}, {z.at, dx.at}},
                      [=, n = n, backward = column_loops<Real>().leak_backward](std::size_t first, std::size_t count) {
                        const std::size_t at = first * n;
                        backward(dy.at + at, alpha, count, n, z.at + at, dx ? dx.at + at : nullptr);
                      });
    axes.put_dx(schedule, call);
    schedule.bias_grad(z, call.weight(0));
  }

  // dx (rows, n), dalpha (n) -> dy = dx where x > 0, else alpha dx + x dalpha
  template <class Real> void tangent(Schedule<Real>& schedule, Call<Real>& call, Call<Real>& d) const {
    const Rows dx = axes.x(schedule, d);
    const Matrix<Real> dy = axes.y(d), z = call.save("x", n);
    const Real *const alpha = call.weight(0)->w, *const dalpha = d.weight(0)->w;
    schedule.each_row(dy.rows, n, {{dx.memory, z.at, alpha, dalpha}, {dy.at}},
                      [=, n = n](std::size_t first, std::size_t count) {
                        Schedule<Real>::read(dx, first, count, dy);
                        for (std::size_t i = first * n; i < (first + count) * n; ++i)
                          if (!(z.at[i] > 0)) {
                            dy.at[i] *= alpha[i % n];
                            if (dalpha) dy.at[i] += z.at[i] * dalpha[i % n];
                          }
                      });
    axes.put_y(schedule, d);
  }
};

}  // namespace gs
