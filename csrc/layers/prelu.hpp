// PReLU.
#pragma once

#include <cstddef>

#include "graph/call.hpp"
#include "kernels/columns.hpp"
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
};

}  // namespace gs
