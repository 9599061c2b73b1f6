// What layers have in common in the tangent pass, in which each is given the directions dx and dw in which its inputs
// and weights move, and gives dy = J_x dx + J_w dw: by a second call, whose inputs, weights and output are dx, dw and
// dy.
#pragma once

#include <cstddef>

#include "activations/all.hpp"
#include "graph/call.hpp"

namespace gs {

/// dy (rows, n), the direction of z, becomes that of y = f(z), in place.
template <class Real>
void activation_tangent(Schedule<Real>& schedule, const ActivationUse& f, Matrix<Real> z, Matrix<Real> y,
                        Matrix<Real> dy) {
  // The Jacobian of each activation is symmetric, but for that of log_softmax: 1 - 1 p^T.
  if (!f.is<LogSoftmax>()) return schedule.activation_grad(f, z, y, dy);
  schedule.each_row(dy.rows, dy.columns, {{y.at}, {dy.at}}, [=](std::size_t first, std::size_t count) {
    for (std::size_t i = first; i < first + count; ++i) {
      const Real* const log_p = y.at + i * y.columns;
      Real *const row = dy.at + i * dy.columns, mean = 0;
      for (std::size_t j = 0; j < dy.columns; ++j) mean += exp(log_p[j]) * row[j];
      for (std::size_t j = 0; j < dy.columns; ++j) row[j] -= mean;
    }
  });
}

/// What is linear in x and in w: first(start), which gives what moves by dx, and second(start, to), what moves by dw;
/// both -> dz. They begin with the direction of the bias, once. name: of memory for the second.
template <class Real, class First, class Second>
void bilinear_tangent(Schedule<Real>& schedule, Call<Real>& d, bool x_moves, const Weight<Real>* bias, Matrix<Real> dz,
                      const char* name, const First& first, const Second& second) {
  const bool both = x_moves && d.weights_move();
  if (x_moves) first(bias, dz);
  if (!d.weights_move()) return;
  const Matrix<Real> more = both ? d.save(name, dz.size(), dz.columns) : dz;
  second(both ? nullptr : bias, more);
  if (both) schedule.accumulate(more, dz);
}

/// dz = dx w + x dw + db of a product with weight `w` of a layer, and weight `b`, if it is not none.
template <class Real>
void product_tangent(Schedule<Real>& schedule, Call<Real>& call, Call<Real>& d, const Rows& x, const Rows& dx,
                     bool x_moves, std::size_t w, const Weight<Real>* b, Matrix<Real> dz, const char* name) {
  bilinear_tangent(
      schedule, d, x_moves, b, dz, name,
      [&](const Weight<Real>* start, Matrix<Real> to) { schedule.product(dx, call.weight(w), start, to); },
      [&](const Weight<Real>* start, Matrix<Real> to) { schedule.product(x, d.weight(w), start, to); });
}

}  // namespace gs
