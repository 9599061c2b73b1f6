// Normal noise, in training alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "graph/call.hpp"

namespace gs {

/// y = x + stddev z, or y = x (1 + stddev z), z standard normal; in inference y = x. Nothing is stored: backward draws
/// again. Multiplied: Srivastava et al. 2014, JMLR 15, section 10.
struct Noise {
  Shape shape;
  std::size_t n;  // numbers of a sample
  double stddev;
  bool multiply;
  std::uint64_t key;

  static constexpr const char* name = "noise";
  template <class Settings>
  Noise(const Shapes& inputs, const Settings& settings)
      : shape(inputs[0]),
        n(size_of(shape)),
        stddev(settings.real("stddev", 0)),
        multiply(settings.flag("multiply")),
        key(settings.key("key")) {}
  Shape output() const { return shape; }
  Shapes weights() const { return {}; }
  std::vector<std::uint64_t*> keys() { return {&key}; }

  // x (batch, n) -> y (batch, n)
  template <class Real> void forward(Schedule<Real>& schedule, Call<Real>& call) const {
    if (!schedule.training) return call.pass();
    schedule.noise(call.x(n), call.y(n), stddev, multiply, key);
  }

  template <class Real> void tangent(Schedule<Real>& schedule, Call<Real>&, Call<Real>& d) const {
    if (!multiply) return d.pass();
    schedule.noise(d.x(n), d.y(n), stddev, multiply, key);
  }

  // dy (batch, n) -> dx (batch, n)
  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Matrix<Real> dx = call.dx(n);
    if (!dx) return;
    if (multiply)
      schedule.noise(schedule.rows(call.dy(n)), dx, stddev, multiply, key);
    else
      schedule.copy(call.dy(n), dx);
  }
};

}  // namespace gs
