// Normalization by numbers of the data.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include "graph/call.hpp"
#include "layers/affine.hpp"
#include "layers/axes.hpp"

namespace gs {

/// y = (x - mean) / max(sqrt(variance), epsilon) of each place along some axes, by numbers that are weights or given;
/// or x from y.
struct Normalization {
  Shape shape, weight_shape;
  AxesLast axes;
  std::size_t n;  // places
  bool invert;
  std::vector<double> mean, variance;  // (n), or empty if they are weights

  static constexpr const char* name = "normalization";
  template <class Settings>
  Normalization(const Shapes& inputs, const Settings& settings)
      : shape(inputs[0]),
        axes(shape, settings.shape("axes")),
        n(axes.columns()),
        invert(settings.flag("invert")),
        mean(settings.reals("mean")),
        variance(settings.reals("variance")) {
    for (const std::size_t axis : settings.shape("axes")) weight_shape.push_back(shape[axis]);
    settings.check(mean.size() == variance.size() && (mean.empty() || mean.size() == n),
                   "mean and variance must have a number for each place, or none.");
  }
  Shape output() const { return shape; }
  Shapes weights() const { return mean.empty() ? Shapes(2, weight_shape) : Shapes{}; }  // mean, variance

  // x (rows, n) -> y (rows, n)
  template <class Real> void forward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Real* const center = mean.empty() ? call.weight(0)->w : schedule.constant(mean);
    const Real* const factor = deviations(schedule, call);
    affine(schedule, axes.x(schedule, call), invert ? nullptr : center, factor, invert ? center : nullptr,
           axes.y(call));
    axes.put_y(schedule, call);
  }

  // dy (rows, n) -> dx (rows, n)
  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Matrix<Real> dx = axes.dx(call);
    if (!dx) return;
    const Rows dy = schedule.rows(axes.dy(schedule, call));
    affine<Real>(schedule, dy, nullptr, deviations(schedule, call), nullptr, dx);
    axes.put_dx(schedule, call);
  }

  // dx (rows, n) -> dy (rows, n)
  template <class Real> void tangent(Schedule<Real>& schedule, Call<Real>& call, Call<Real>& d) const {
    affine<Real>(schedule, axes.x(schedule, d), nullptr, deviations(schedule, call), nullptr, axes.y(d));
    axes.put_y(schedule, d);
  }

 private:
  // max(sqrt(variance), 1e-7) (n), as Keras has it; or 1 over it
  template <class Real> const Real* deviations(Schedule<Real>& schedule, Call<Real>& call) const {
    const Real* const from = mean.empty() ? call.weight(1)->w : schedule.constant(variance);
    Real* const factor = schedule.workspace(n);
    schedule.once({{from}, {factor}}, [=, n = n, times = invert] {
      for (std::size_t j = 0; j < n; ++j) {
        const double deviation = std::fmax(std::sqrt(double(from[j])), 1e-7);
        factor[j] = Real(times ? deviation : 1 / deviation);
      }
    });
    return factor;
  }
};

}  // namespace gs
