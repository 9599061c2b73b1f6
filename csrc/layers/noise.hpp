// Normal noise, in training alone.
#pragma once

#include <cstddef>
#include <cstdint>

#include "layers/weightless.hpp"

namespace gs {

/// y = x + stddev z, or y = x (1 + stddev z), z standard normal; in inference y = x. Nothing is stored: backward draws
/// again. Multiplied: Srivastava et al. 2014, JMLR 15, section 10.
struct Noise : Weightless {
  std::size_t n;
  double stddev;
  bool multiply;
  std::uint64_t key;

  static constexpr const char* name = "noise";
  template <class Settings>
  Noise(std::size_t inputs, const Settings& settings)
      : n(inputs), stddev(settings.real("stddev", 0)), multiply(settings.flag("multiply")), key(settings.key("key")) {}
  std::size_t outputs() const { return n; }

  // x (batch, n) -> y (batch, n)
  template <class Plan, class Io> auto forward(Plan& plan, const Io& io) const {
    if (!plan.training) return io.x;
    plan.noise(io.x, io.y, n, stddev, multiply, key);
    return plan.rows_of(io.y, n);
  }

  // dy (batch, n) -> dx (batch, n)
  template <class Plan, class Io> void backward(Plan& plan, const Io& io) const {
    if (!io.dx) return;
    if (multiply)
      plan.noise(plan.rows_of(io.dy, n), io.dx, n, stddev, multiply, key);
    else
      plan.copy(io.dy, io.dx, n);
  }
};

}  // namespace gs
