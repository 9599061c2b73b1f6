// Nadam: Adam with Nesterov's step ahead.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

#include "core/describe.hpp"
#include "core/math.hpp"

namespace gs {

/// Dozat 2016, "Incorporating Nesterov Momentum into Adam", algorithm 8, with the schedule of momentum of its
/// section 3.
struct Nadam {
  double learning_rate = 0.001, beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;

  static constexpr const char* name = "Nadam";
  static constexpr std::array slots{"m", "v"};
  static constexpr unsigned unsigned_slots = 0b10;
  static constexpr auto fields() {
    return std::array{
        Field<Nadam>{"learning_rate", &Nadam::learning_rate, "step size", 0, inf},
        Field<Nadam>{"beta_1", &Nadam::beta_1, "share of m kept, and the momentum in the long run", 0, 1, false, true},
        Field<Nadam>{"beta_2", &Nadam::beta_2, "share of v kept", 0, 1, false, true},
        Field<Nadam>{"epsilon", &Nadam::epsilon, "added to the corrected root of v", 0, inf},
    };
  }

  template <class Real> struct Update {
    Real take_1, take_2, step_m, step_g, epsilon;
    HD void operator()(Real& w, Real g, Real& m, Real& v) const {
      m += take_1 * (g - m);
      move_mean(v, take_2, g * g);
      w -= (step_m * m + step_g * g) / (root(v) + epsilon);
    }
  };
  template <class Real> Update<Real> at(std::int64_t t) const { return constants<Real>(t, 1, product(1, t)); }

 protected:
  /// pace: how fast momentum grows, as a power of 0.96 a step; all: momentum(1) * ... * momentum(t).
  template <class Real> Update<Real> constants(std::int64_t t, double pace, double all) const {
    const double now = momentum(pace, t), next = momentum(pace, t + 1);
    const double correction = std::sqrt(1 - std::pow(beta_2, double(t))), step = learning_rate * correction;
    return {Real(1 - beta_1), Real(1 - beta_2), Real(step * next / (1 - all * next)),
            Real(step * (1 - now) / (1 - all)), Real(epsilon * correction)};
  }

  double momentum(double pace, std::int64_t t) const { return beta_1 * (1 - 0.5 * std::pow(0.96, pace * double(t))); }

  /// momentum(1) * ... * momentum(t), from t alone, so that a resumed run has the same bits. What is below 2^-60
  /// vanishes beside 1, as which it is used: soon, for half of the factors are below 3/4. At any pace below 3000 turns,
  /// after which the factors are beta_1 to the last bit.
  double product(double pace, std::int64_t t) const {
    constexpr double nothing = 0x1p-60;
    if (std::pow(beta_1, double(t)) < nothing) return 0;
    const double decay = std::pow(0.96, pace);
    double product = 1, power = decay;
    for (std::int64_t i = 1; i <= t && product > nothing; ++i, power *= decay) {
      if (power < 0x1p-54) return product * std::pow(beta_1, double(t - i + 1));
      product *= beta_1 * (1 - 0.5 * power);
    }
    return product;
  }
};

/// Nadam whose momentum grows at a pace of its own, as in PyTorch.
struct TorchNadam : Nadam {
  TorchNadam() { learning_rate = 0.002, epsilon = 1e-8; }
  double momentum_decay = 0.004;

  static constexpr const char* name = "TorchNadam";
  static constexpr auto fields() {
    return extend<TorchNadam>(Nadam::fields(), Field<TorchNadam>{"momentum_decay", &TorchNadam::momentum_decay,
                                                                 "how fast momentum grows to beta_1", 0, inf});
  }
  template <class Real> Update<Real> at(std::int64_t t) const {
    return constants<Real>(t, momentum_decay, product(momentum_decay, t));
  }
};

/// TorchNadam with the product of the momenta of all earlier steps given, as PyTorch keeps it for each tensor, where
/// TorchNadam makes it from the step and the present settings. Not in all.hpp: it runs in the loops of TorchNadam.
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
    return constants<Real>(t, momentum_decay, mu_product * momentum(momentum_decay, t));
  }
};

}  // namespace gs
