// The dense layer. A layer reads its settings from Python by name; it says what is computed, in the operations of a
// Schedule, and where the next layer reads its output. The schedule says when, in how many chunks, and what can share a
// pass over memory.
#pragma once

#include <cstddef>

#include "activations/all.hpp"
#include "layers/weightless.hpp"

namespace gs {

/// y = f(x w + b).
struct Dense {
  std::size_t in, out;
  bool use_bias;
  ActivationUse activation;  // f

  static constexpr const char* name = "dense";
  template <class Settings>
  Dense(std::size_t inputs, const Settings& settings)
      : in(inputs),
        out(settings.whole("units")),
        use_bias(settings.flag("use_bias")),
        activation(settings.activation("activation")) {}
  std::size_t outputs() const { return out; }
  Shapes weights() const { return {{{in, out}, {0, out}}}; }
  std::size_t n_weights() const { return use_bias ? 2 : 1; }

  // x (batch, in), w (in, out), b (out) -> z = x w + b, y = f(z) (batch, out); z may be y
  template <class Schedule, class Buffers> auto forward(Schedule& schedule, const Buffers& buffers) const {
    schedule.product(buffers.x, buffers.weight(0), use_bias ? buffers.weight(1) : nullptr, buffers.z, in, out);
    schedule.activate(activation, buffers.z, buffers.y, out);
    return schedule.row_pointers(buffers.y, out);
  }

  // dy (batch, out), which becomes dz in place -> dx = dz w^T (batch, in), dw = x^T dz, db = dz's rows summed
  template <class Schedule, class Buffers> void backward(Schedule& schedule, const Buffers& buffers) const {
    schedule.activation_grad(activation, buffers.z, buffers.y, buffers.dy, out);
    if (buffers.dx) schedule.input_grad(buffers.dy, buffers.weight(0), buffers.dx, in, out);
    schedule.weight_grad(buffers.x, buffers.dy, buffers.weight(0), in, out);
    if (use_bias) schedule.bias_grad(buffers.dy, buffers.weight(1), out);
  }
};

}  // namespace gs
