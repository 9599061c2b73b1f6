// Normalization by numbers of the data.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include "graph/call.hpp"
#include "layers/affine.hpp"

namespace gs {

/// y = (x - mean) / max(sqrt(variance), epsilon) of each column of the last axis, by numbers that are weights or given;
/// or x from y.
struct Normalization {
  Shape shape;
  std::size_t n;  // columns
  bool invert;
  std::vector<double> mean, variance;  // (n), or empty if they are weights

  static constexpr const char* name = "normalization";
  template <class Settings>
  Normalization(const Shapes& inputs, const Settings& settings)
      : shape(inputs[0]),
        n(last_of(shape)),
        invert(settings.flag("invert")),
        mean(settings.reals("mean")),
        variance(settings.reals("variance")) {
    settings.check(mean.size() == variance.size() && (mean.empty() || mean.size() == n),
                   "mean and variance must have a number for each input, or none.");
  }
  Shape output() const { return shape; }
  Shapes weights() const { return mean.empty() ? Shapes{{n}, {n}} : Shapes{}; }  // mean, variance

  // x (rows, n) -> y (rows, n)
  template <class Real> void forward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Real* const center = mean.empty() ? call.weight(0)->w : schedule.constant(mean);
    const Real* const factor = deviations(schedule, call);
    affine(schedule, call.x(n), invert ? nullptr : center, factor, invert ? center : nullptr, call.y(n));
  }

  // dy (rows, n) -> dx (rows, n)
  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Matrix<Real> dx = call.dx(n);
    if (dx) affine<Real>(schedule, schedule.rows(call.dy(n)), nullptr, deviations(schedule, call), nullptr, dx);
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
