// PReLU.
#pragma once

#include <cstddef>

#include "layers/weightless.hpp"

namespace gs {

/// y = x where x > 0, else alpha x, alpha a weight for each column. He et al. 2015, arXiv:1502.01852.
struct PRelu {
  std::size_t n;
  static constexpr bool keeps_z = true;

  static constexpr const char* name = "prelu";
  template <class Settings> PRelu(std::size_t inputs, const Settings&) : n(inputs) {}
  std::size_t outputs() const { return n; }
  Shapes weights() const { return {{{0, n}}}; }
  static constexpr std::size_t n_weights() { return 1; }

  // x (batch, n), alpha (n) -> z = x, y (batch, n)
  template <class Plan, class Io> auto forward(Plan& plan, const Io& io) const {
    plan.leak(io.x, io.weight(0), io.z, io.y, n);
    return plan.rows_of(io.y, n);
  }

  // dy (batch, n) -> dx (batch, n), dalpha (n)
  template <class Plan, class Io> void backward(Plan& plan, const Io& io) const {
    plan.leak_back(io.dy, io.z, io.weight(0), io.dx, n);
  }
};

}  // namespace gs
