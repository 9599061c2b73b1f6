// Dropout.
#pragma once

#include <cstddef>
#include <cstdint>

#include "graph/call.hpp"

namespace gs {

/// y = x d / (1 - rate), where d is 0 with probability rate, else 1; in inference y = x. Srivastava et al. 2014,
/// JMLR 15. No d is stored: backward draws it again.
struct Dropout {
  Shape shape;
  std::size_t n;  // numbers of a sample
  double rate;
  std::uint64_t key;

  static constexpr const char* name = "dropout";
  template <class Settings>
  Dropout(const Shapes& inputs, const Settings& settings)
      : shape(inputs[0]), n(size_of(shape)), rate(settings.real("rate", 0, 1)), key(settings.key("key")) {}
  Shape output() const { return shape; }
  Shapes weights() const { return {}; }

  // x (batch, n) -> y (batch, n)
  template <class Real> void forward(Schedule<Real>& schedule, Call<Real>& call) const {
    if (!schedule.training) return call.pass();
    schedule.drop(call.x(n), call.y(n), rate, key);
  }

  // dy (batch, n) -> dx (batch, n)
  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    if (const Matrix<Real> dx = call.dx(n)) schedule.drop(schedule.rows(call.dy(n)), dx, rate, key);
  }
};

}  // namespace gs
