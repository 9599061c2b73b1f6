// An activation as a layer of its own.
#pragma once

#include <cstddef>

#include "activations/all.hpp"
#include "layers/weightless.hpp"

namespace gs {

/// y = f(x).
struct Activate : Weightless {
  std::size_t n;
  ActivationUse activation;  // f

  static constexpr const char* name = "activation";
  template <class Settings>
  Activate(std::size_t inputs, const Settings& settings) : n(inputs), activation(settings.activation("activation")) {}
  std::size_t outputs() const { return n; }

  // x (batch, n) -> z, a copy of x that backward may read, y = f(z) (batch, n); z may be y
  template <class Plan, class Io> auto forward(Plan& plan, const Io& io) const {
    plan.copy(io.x, io.z, n);
    plan.activate(activation, io.z, io.y, n);
    return plan.rows_of(io.y, n);
  }

  // dy (batch, n), which becomes dz in place -> dx = dz (batch, n)
  template <class Plan, class Io> void backward(Plan& plan, const Io& io) const {
    plan.slope(activation, io.z, io.y, io.dy, n);
    if (io.dx) plan.copy(io.dy, io.dx, n);
  }
};

}  // namespace gs
