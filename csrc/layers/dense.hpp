// The dense layer. A layer reads its settings from Python by name; it says what is computed, in the words of a Plan,
// and where the next layer reads its output. The plan says when, in how many chunks, and what can share a pass over
// memory.
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
  template <class Plan, class Io> auto forward(Plan& plan, const Io& io) const {
    plan.product(io.x, io.weight(0), use_bias ? io.weight(1) : nullptr, io.z, in, out);
    plan.activate(activation, io.z, io.y, out);
    return plan.rows_of(io.y, out);
  }

  // dy (batch, out), which becomes dz in place -> dx = dz w^T (batch, in), dw = x^T dz, db = dz's rows summed
  template <class Plan, class Io> void backward(Plan& plan, const Io& io) const {
    plan.slope(activation, io.z, io.y, io.dy, out);
    if (io.dx) plan.product_back(io.dy, io.weight(0), io.dx, in, out);
    plan.learn_product(io.x, io.dy, io.weight(0), in, out);
    if (use_bias) plan.learn_sum(io.dy, io.weight(1), out);
  }
};

}  // namespace gs
