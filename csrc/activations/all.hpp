// Every activation: the only list in C++.
#pragma once

#include <array>
#include <cstddef>

#include "activations/piecewise.hpp"
#include "activations/rows.hpp"
#include "activations/smooth.hpp"

namespace gs {

using Activations =
    TypeList<Linear, Relu, Rectifier, Relu6, LeakyRelu, Elu, Celu, Selu, Sigmoid, HardSigmoid, SparseSigmoid,
             LogSigmoid, Tanh, HardTanh, TanhShrink, HardShrink, SoftShrink, Threshold, Exponential, Softplus,
             SparsePlus, Squareplus, Softsign, Gelu, GeluTanh, Silu, HardSilu, Mish, Softmax, LogSoftmax, Sparsemax>;

/// An activation as it is used: which one, and its settings in the order of its fields.
struct ActivationUse {
  static constexpr std::size_t most = 3;  // settings of any one
  int index = index_of<Linear>(Activations{});
  std::array<double, most> settings{};

  template <class Activation> bool is() const { return index == index_of<Activation>(Activations{}); }
};

}  // namespace gs
