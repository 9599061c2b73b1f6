// A layer that is computed outside the engine.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "graph/call.hpp"

namespace gs {

/// y = f(x), of inputs and weights of any shapes: whoever runs the network is asked.
struct External {
  Shapes inputs;
  Shape shape;              // of the output
  Shapes weight_shapes;     // of those that f, or training, may change
  std::vector<bool> known;  // weights that there is a gradient for
  std::size_t number;       // of the layer
  bool differentiable;      // whether it is asked to go backward

  static constexpr const char* name = "external";
  template <class Settings>
  External(const Shapes& inputs, const Settings& settings)
      : inputs(inputs),
        shape(settings.shape("output")),
        weight_shapes(settings.shapes("weight_shapes")),
        known(settings.flags("known")),
        number(settings.whole("number") - 1),
        differentiable(settings.flag("differentiable")) {}
  Shape output() const { return shape; }
  Shapes weights() const { return weight_shapes; }

  template <class Real> void forward(Schedule<Real>& schedule, Call<Real>& call) const {
    ExternalCall<Real> asked;
    asked.layer = number;
    asked.xs = all_inputs(call);
    asked.y = call.y(size_of(shape));
    schedule.external(std::move(asked));
  }

  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    ExternalCall<Real> asked;
    asked.layer = number;
    asked.backward = true;
    asked.dy = call.dy(size_of(shape));
    asked.xs = all_inputs(call);
    asked.y = call.y(size_of(shape));
    for (std::size_t i = 0; i < inputs.size(); ++i) asked.dxs.push_back(call.dx(size_of(inputs[i]), i));
    for (std::size_t i = 0; i < weight_shapes.size(); ++i) {
      const std::size_t n = size_of(weight_shapes[i]);
      const bool wanted = known[i] && call.weight(i)->trainable();
      asked.gradients.push_back(wanted ? Matrix<Real>{schedule.workspace(n), 1, n} : Matrix<Real>{});
    }
    const std::vector<Matrix<Real>> gradients = asked.gradients;
    schedule.external(std::move(asked));
    for (std::size_t i = 0; i < gradients.size(); ++i)
      if (gradients[i]) schedule.bias_grad(gradients[i], call.weight(i));
  }

  template <class Real> void tangent(Schedule<Real>& schedule, Call<Real>& call, Call<Real>& d) const {
    ExternalCall<Real> asked;
    asked.layer = number;
    asked.tangent = true;
    asked.xs = all_inputs(call);
    asked.y = call.y(size_of(shape));
    asked.dxs = all_inputs(d);
    asked.dy = d.y(size_of(shape));
    for (std::size_t i = 0; i < weight_shapes.size(); ++i)
      asked.gradients.push_back({known[i] ? d.weight(i)->w : nullptr, 1, size_of(weight_shapes[i])});
    schedule.external(std::move(asked));
  }

 private:
  template <class Real> std::vector<Matrix<Real>> all_inputs(Call<Real>& call) const {
    std::vector<Matrix<Real>> all;
    for (std::size_t i = 0; i < inputs.size(); ++i) all.push_back(call.x_matrix(size_of(inputs[i]), i));
    return all;
  }
};

}  // namespace gs
