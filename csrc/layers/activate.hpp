// An activation as a layer.
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
  template <class Schedule, class Buffers> auto forward(Schedule& schedule, const Buffers& buffers) const {
    schedule.copy(buffers.x, buffers.z, n);
    schedule.activate(activation, buffers.z, buffers.y, n);
    return schedule.row_pointers(buffers.y, n);
  }

  // dy (batch, n), which becomes dz in place -> dx = dz (batch, n)
  template <class Schedule, class Buffers> void backward(Schedule& schedule, const Buffers& buffers) const {
    schedule.activation_grad(activation, buffers.z, buffers.y, buffers.dy, n);
    if (buffers.dx) schedule.copy(buffers.dy, buffers.dx, n);
  }
};

}  // namespace gs
