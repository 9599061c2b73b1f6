// Activations that stand by themselves, not behind a product: their input is read where it lies.
#pragma once

#include <cstddef>

#include "activations/all.hpp"
#include "graph/schedule.hpp"

namespace gs {

/// How a loop over numbers side by side goes: row by row where f takes rows, else over all of them at once.
inline MatrixLayout map_layout(bool rowwise, std::size_t rows, std::size_t n) {
  return rowwise ? MatrixLayout(rows, n, n) : MatrixLayout(rows * n);
}

/// x (rows, n) -> z, a copy of x, and y = f(z) (rows, n). z may be y: then there is a copy only where x lies otherwise.
template <class Real>
void activate_rows(Schedule<Real>& schedule, const ActivationUse& activation, const Rows& x, Matrix<Real> z,
                   Matrix<Real> y) {
  const auto& f = kernels().map.of[activation.index];
  const bool is_near = x.memory && z.at == y.at && x.pointers.template is_plain<Real>();
  schedule.each_row(
      y.rows, y.columns, {{x.memory}, {z.at == y.at ? nullptr : z.at, y.at}},
      [=, forward = f.forward[dtype_of<Real>()], rowwise = f.rowwise](std::size_t first, std::size_t count) {
        const std::size_t at = first * y.columns;
        if (!is_near) Schedule<Real>::read(x, first, count, z);
        forward(activation.settings.data(), is_near ? x.pointers.at[first] : z.at + at, y.at + at,
                map_layout(rowwise, count, y.columns));
      });
}

/// dy (rows, n) times the derivative of f at z, where y = f(z) -> dx (rows, n).
template <class Real>
void activation_grad_rows(Schedule<Real>& schedule, const ActivationUse& activation, Matrix<Real> z, Matrix<Real> y,
                          Matrix<Real> dy, Matrix<Real> dx) {
  const auto& f = kernels().map.of[activation.index];
  schedule.each_row(
      dy.rows, dy.columns, {{z.at, y.at, dy.at}, {dx.at}},
      [=, backward = f.backward[dtype_of<Real>()], rowwise = f.rowwise](std::size_t first, std::size_t count) {
        const std::size_t at = first * dy.columns;
        backward(activation.settings.data(), z.at + at, y.at + at, dy.at + at, dx.at + at,
                 map_layout(rowwise, count, dy.columns));
      });
}

}  // namespace gs
