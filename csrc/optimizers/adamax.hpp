// Adamax: Adam with the largest recent gradient in place of the root mean square.
#pragma once

#include <array>
#include <cstdint>

#include "core/bias_correction.hpp"
#include "core/describe.hpp"
#include "core/math.hpp"

namespace gs {

/// Kingma & Ba 2015, arXiv:1412.6980, algorithm 2; epsilon added to u where it divides, as in Keras.
struct Adamax {
  double learning_rate = 0.001, beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;

  static constexpr const char* name = "Adamax";
  static constexpr std::array slots{"m", "u"};
  static constexpr unsigned unsigned_slots = 0b10;
  static constexpr auto fields() {
    return std::array{
        Field<Adamax>{"learning_rate", &Adamax::learning_rate, "step size", 0, inf},
        Field<Adamax>{"beta_1", &Adamax::beta_1, "share of m kept", 0, 1, false, true},
        Field<Adamax>{"beta_2", &Adamax::beta_2, "share of u kept", 0, 1, false, true},
        Field<Adamax>{"epsilon", &Adamax::epsilon, "added to u, or to the gradient in it", 0, inf},
    };
  }

  template <class Real> struct Update {
    Real take_1, beta_2, step, inside, outside;  // the maximum
    HD void operator()(Real& w, Real g, Real& m, Real& u) const {
      m += take_1 * (g - m);
      u = larger(beta_2 * u, magnitude(g) + inside);
      w -= step * m / (u + outside);
    }
  };
  template <class Real> Update<Real> at(std::int64_t t) const { return constants<Real>(t, 0, epsilon); }

 protected:
  template <class Real> Update<Real> constants(std::int64_t t, double inside, double outside) const {
    const double step = learning_rate / bias_correction(beta_1, t);
    return {Real(1 - beta_1), Real(beta_2), Real(step), Real(inside), Real(outside)};
  }
};

/// Adamax with epsilon beside the gradient, in the maximum, as in PyTorch.
struct TorchAdamax : Adamax {
  TorchAdamax() { learning_rate = 0.002, epsilon = 1e-8; }

  static constexpr const char* name = "TorchAdamax";
  static constexpr auto fields() { return extend<TorchAdamax>(Adamax::fields()); }
  template <class Real> Update<Real> at(std::int64_t t) const { return constants<Real>(t, epsilon, 0); }
};

}  // namespace gs
