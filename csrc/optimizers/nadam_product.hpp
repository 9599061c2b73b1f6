// Nadam as PyTorch's state has it. Not in all.hpp: it is no rule of its own, and goes by the loops of TorchNadam.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

#include "optimizers/nadam.hpp"

namespace gs {

/// TorchNadam with the product of the momenta of all earlier steps given, as PyTorch keeps it for each tensor, where
/// TorchNadam makes it from the step and the present settings.
struct TorchNadamWithProduct : TorchNadam {
  double mu_product = 1;

  static constexpr const char* name = "TorchNadamWithProduct";
  static constexpr auto fields() {
    return extend<TorchNadamWithProduct>(
        TorchNadam::fields(),
        Field<TorchNadamWithProduct>{"mu_product", &TorchNadamWithProduct::mu_product,
                                     "product of all momenta before the step", 0, 1, false, false});
  }
  template <class Real> Update<Real> at(std::int64_t t) const {
    const auto momentum = [&](std::int64_t step) {
      return beta_1 * (1 - 0.5 * std::pow(0.96, momentum_decay * double(step)));
    };
    const double now = momentum(t), next = momentum(t + 1), all = mu_product * now;
    const double correction = std::sqrt(1 - std::pow(beta_2, double(t))), step = learning_rate * correction;
    return {Real(1 - beta_1), Real(1 - beta_2), Real(step * next / (1 - all * next)),
            Real(step * (1 - now) / (1 - all)), Real(epsilon * correction)};
  }
};

}  // namespace gs
