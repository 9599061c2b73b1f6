// PReLU.
#pragma once

#include <cstddef>

#include "graph/call.hpp"
#include "kernels/columns.hpp"

namespace gs {

/// y = x where x > 0, else alpha x, alpha a weight for each number of a sample. He et al. 2015, arXiv:1502.01852.
struct PRelu {
  Shape shape;
  std::size_t n;  // numbers of a sample

  static constexpr const char* name = "prelu";
  template <class Settings> PRelu(const Shapes& inputs, const Settings&) : shape(inputs[0]), n(size_of(shape)) {}
  Shape output() const { return shape; }
  Shapes weights() const { return {shape}; }

  // x (batch, n), alpha (n) -> a copy of x, y (batch, n)
  template <class Real> void forward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Matrix<Real> y = call.y(n), z = schedule.training ? call.save("x", n) : y;
    const Rows x = call.x(n);
    const Real* const alpha = call.weight(0)->w;
    schedule.each_row(y.rows, n, {{x.memory, alpha}, {z.at, y.at}},
                      [=, n = n, forward = column_loops<Real>().leak_forward](std::size_t first, std::size_t count) {
                        Schedule<Real>::read(x, first, count, z);
                        forward(z.at + first * n, alpha, count, n, y.at + first * n);
                      });
  }

  // dy (batch, n), the copy of x, which is used up -> dx (batch, n), dalpha (n)
  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Matrix<Real> dy = call.dy(n), z = call.save("x", n), dx = call.dx(n);
    const Real* const alpha = call.weight(0)->w;
    schedule.each_row(dy.rows, n, {{dy.at, alpha}, {z.at, dx.at}},
                      [=, n = n, backward = column_loops<Real>().leak_backward](std::size_t first, std::size_t count) {
                        backward(dy.at + first * n, alpha, count, n, z.at + first * n, dx ? dx.at + first * n : nullptr);
                      });
    schedule.bias_grad(z, call.weight(0));
  }
};

}  // namespace gs
