// Layers that normalize parts of samples, each by its own mean and scale: layer, group, RMS and unit normalization.
#pragma once

#include <algorithm>
#include <cstddef>

#include "graph/call.hpp"
#include "kernels/layers/normalize.hpp"
#include "layers/affine.hpp"
#include "layers/axes.hpp"

namespace gs {

/// y = gamma xhat + beta. xhat is x / s of each part, with s = sqrt(mean of x^2 + epsilon), or the length of the part
/// but at least sqrt(epsilon); or (x - mean) / s with s = sqrt(variance + epsilon). Parts are the numbers along some
/// axes; or, with groups, an equal share of an axis, along all others. Ba, Kiros & Hinton 2016, arXiv:1607.06450;
/// Zhang & Sennrich 2019, arXiv:1910.07467; Wu & He 2018, arXiv:1803.08494.
struct NormalizeParts {
  Shape shape, weight_shape;
  AxesLast axes;
  RowParts parts;
  Scale by;
  bool scale, center;  // whether there is a gamma, a beta

  static constexpr const char* name = "normalize_parts";
  template <class Settings>
  NormalizeParts(const Shapes& inputs, const Settings& settings)
      : shape(inputs[0]),
        axes(shape, settings.shape("axes")),
        by(settings.flag("by_length")  ? Scale::length
           : settings.flag("centered") ? Scale::deviation
                                       : Scale::root_mean_square),
        scale(settings.flag("scale")),
        center(settings.flag("center")) {
    for (const std::size_t axis : settings.shape("axes")) weight_shape.push_back(shape[axis]);
    const std::size_t groups = settings.whole("groups");
    parts = {settings.flag("along_others") ? axes.rows() : 1, axes.columns(), groups, settings.real("epsilon", 0)};
    settings.check(axes.columns() % groups == 0, "groups must divide the number of channels.");
  }
  Shape output() const { return shape; }
  Shapes weights() const { return Shapes(std::size_t(scale) + std::size_t(center), weight_shape); }

  // x (rows, n) -> xhat, y (rows, n)
  template <class Real> void forward(Schedule<Real>& schedule, Call<Real>& call) const {
    const std::size_t n = parts.n, size = parts.steps * n;
    const Rows x = axes.x(schedule, call);
    const Matrix<Real> y = axes.y(call), xhat = schedule.training ? call.save("xhat", n) : y;
    const Real *const g = scale ? call.weight(0)->w : nullptr, *const b = center ? call.weight(scale)->w : nullptr;
    Real* const inverse = inverses(call, y);
    schedule.each_row(
        y.size() / size, size, {{x.memory, g, b}, {xhat.at, y.at, inverse}},
        [=, parts = parts, forward = normalize_loops<Real>().forward[int(by)]](std::size_t first, std::size_t count) {
          Real* const at = xhat.at + first * size;
          Schedule<Real>::read(x, first * parts.steps, count * parts.steps, xhat);
          forward(at, g, b, parts, count, at, y.at + first * size, inverse + first * parts.groups);
        });
    axes.put_y(schedule, call);
  }

  // dy, xhat (rows, n), which is used up -> dx (rows, n), dgamma, dbeta (n)
  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    const std::size_t n = parts.n, size = parts.steps * n;
    const Matrix<Real> dy = axes.dy(schedule, call), xhat = call.save("xhat", n), dx = axes.dx(call);
    const Real* const g = scale ? call.weight(0)->w : nullptr;
    const Real* const inverse = inverses(call, dy);
    schedule.each_row(
        dy.size() / size, size, {{dy.at, g, inverse}, {xhat.at, dx.at}},
        [=, parts = parts, backward = normalize_loops<Real>().backward[int(by)]](std::size_t first, std::size_t count) {
          const std::size_t at = first * size;
          backward(dy.at + at, g, inverse + first * parts.groups, parts, count, xhat.at + at,
                   dx ? dx.at + at : nullptr);
        });
    axes.put_dx(schedule, call);
    if (scale) schedule.bias_grad(xhat, call.weight(0));
    if (center) schedule.bias_grad(dy, call.weight(scale));
  }

  // dx, xhat (rows, n), dgamma, dbeta (n) -> dy = gamma dxhat + dgamma xhat + dbeta (rows, n)
  template <class Real> void tangent(Schedule<Real>& schedule, Call<Real>& call, Call<Real>& d) const {
    const std::size_t n = parts.n, size = parts.steps * n;
    const Rows x = axes.x(schedule, d);
    const Matrix<Real> xhat = call.save("xhat", n), dy = axes.y(d), dx = d.save("dx", n), used = d.save("used", n);
    const Real *const g = scale ? call.weight(0)->w : nullptr, *const dg = scale ? d.weight(0)->w : nullptr,
                      *const db = center ? d.weight(scale)->w : nullptr;
    const Real* const inverse = inverses(call, dy);
    // The Jacobian of xhat is symmetric.
    schedule.each_row(
        dy.size() / size, size, {{x.memory, xhat.at, inverse, g, dg, db}, {dx.at, used.at, dy.at}},
        [=, parts = parts, backward = normalize_loops<Real>().backward[int(by)]](std::size_t first, std::size_t count) {
          const std::size_t at = first * size;
          Schedule<Real>::read(x, first * parts.steps, count * parts.steps, dx);
          std::copy_n(xhat.at + at, count * size, used.at + at);
          backward(dx.at + at, nullptr, inverse + first * parts.groups, parts, count, used.at + at, dy.at + at);
          scale_tangent(g, dg, db, xhat.at + at, count * parts.steps, n, dy.at + at);
        });
    axes.put_y(schedule, d);
  }

 private:
  template <class Real> Real* inverses(Call<Real>& call, Matrix<Real> y) const {
    return call.save("inverse", y.rows / parts.steps * parts.groups, parts.groups).at;
  }
};

}  // namespace gs
