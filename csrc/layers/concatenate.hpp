// Concatenate.
#pragma once

#include <cstddef>
#include <vector>

#include "graph/call.hpp"
#include "layers/views.hpp"

namespace gs {

/// Inputs one after another along an axis.
struct Concatenate {
  Shape shape;  // of the output
  std::size_t n;
  std::vector<Views> parts;  // (input): where it is in the output

  static constexpr bool is_linear = true;  // in x: so its tangent is its forward pass
  static constexpr const char* name = "concatenate";
  template <class Settings> Concatenate(const Shapes& inputs, const Settings& settings) : shape(inputs[0]) {
    const std::size_t axis = settings.whole("axis") - 1;  // whole counts the axis of the batch
    std::size_t inner = 1, outer = 1;
    for (std::size_t k = 0; k < shape.size(); ++k) (k < axis ? outer : inner) *= k == axis ? 1 : shape[k];
    shape[axis] = 0;
    for (const Shape& input : inputs) shape[axis] += input[axis];
    n = size_of(shape);
    std::size_t at = 0;
    for (const Shape& input : inputs) {
      const std::size_t run = input[axis] * inner;
      Views part{{}, outer * run, n};
      part.views.rank = 2;
      part.views.axis[0] = {outer, std::ptrdiff_t(run), std::ptrdiff_t(n / outer)};
      part.views.axis[1] = {run, 1, 1};
      part.views.target_offset = at;
      parts.push_back(part);
      at += run;
    }
  }
  Shape output() const { return shape; }
  Shapes weights() const { return {}; }

  // x, any number of them -> y (batch, n)
  template <class Real> void forward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Matrix<Real> y = call.y(n);
    std::vector<const Real*> x;
    for (std::size_t i = 0; i < parts.size(); ++i) x.push_back(call.x_matrix(parts[i].source_size, i).at);
    schedule.each_row(y.rows, n, {{x.begin(), x.end()}, {y.at}},
                      [=, parts = parts](std::size_t first, std::size_t count) {
                        for (std::size_t i = 0; i < x.size(); ++i) parts[i].copy(x[i], y.at, first, count);
                      });
  }

  // dy (batch, n) -> dx of each, its part
  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Matrix<Real> dy = call.dy(n);
    for (std::size_t i = 0; i < parts.size(); ++i)
      if (const Matrix<Real> dx = call.dx(parts[i].source_size, i)) copy(schedule, parts[i].reversed(), dy, dx);
  }
};

}  // namespace gs
