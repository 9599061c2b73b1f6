// Group and layer normalization.
#pragma once

#include <cstddef>

#include "graph/call.hpp"
#include "kernels/columns.hpp"

namespace gs {

/// y = gamma xhat + beta, xhat = (x - mean) / sqrt(variance + epsilon), of each of some equal parts of every row along
/// the last axis. Ba, Kiros & Hinton 2016, arXiv:1607.06450 (one part); Wu & He 2018, arXiv:1803.08494.
struct GroupNormalization {
  Shape shape;
  std::size_t n, groups;
  bool scale, center;
  double epsilon;

  static constexpr const char* name = "group_normalization";
  template <class Settings>
  GroupNormalization(const Shapes& inputs, const Settings& settings)
      : shape(inputs[0]),
        n(last_of(shape)),
        groups(settings.whole("groups")),
        scale(settings.flag("scale")),
        center(settings.flag("center")),
        epsilon(settings.real("epsilon", 0)) {
    settings.check(n % groups == 0, "groups must divide the number of inputs.");
  }
  Shape output() const { return shape; }
  Shapes weights() const { return Shapes(std::size_t(scale) + std::size_t(center), Shape{n}); }

  // x (rows, n) -> xhat, y (rows, n)
  template <class Real> void forward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Matrix<Real> y = call.y(n), xhat = schedule.training ? call.save("xhat", n) : y;
    const Rows x = call.x(n);
    const Real *const g = scale ? call.weight(0)->w : nullptr, *const b = center ? call.weight(scale)->w : nullptr;
    Real* const inverse = call.save("inverse", y.rows * groups, groups).at;
    schedule.each_row(
        y.rows, n, {{x.memory, g, b}, {xhat.at, y.at, inverse}},
        [=, n = n, groups = groups, epsilon = epsilon, forward = column_loops<Real>().rows_forward](std::size_t first,
                                                                                                    std::size_t count) {
          Real* const at = xhat.at + first * n;
          Schedule<Real>::read(x, first, count, xhat);
          forward(at, g, b, epsilon, count, n, groups, at, y.at + first * n, inverse + first * groups);
        });
  }

  // dy, xhat (rows, n), which is used up -> dx (rows, n), dgamma, dbeta (n)
  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Matrix<Real> dy = call.dy(n), xhat = call.save("xhat", n), dx = call.dx(n);
    const Real* const g = scale ? call.weight(0)->w : nullptr;
    const Real* const inverse = call.save("inverse", dy.rows * groups, groups).at;
    schedule.each_row(dy.rows, n, {{dy.at, g, inverse}, {xhat.at, dx.at}},
                      [=, n = n, groups = groups, backward = column_loops<Real>().rows_backward](std::size_t first,
                                                                                                 std::size_t count) {
                        backward(dy.at + first * n, g, inverse + first * groups, count, n, groups, xhat.at + first * n,
                                 dx ? dx.at + first * n : nullptr);
                      });
    if (scale) schedule.bias_grad(xhat, call.weight(0));
    if (center) schedule.bias_grad(dy, call.weight(scale));
  }
};

}  // namespace gs
