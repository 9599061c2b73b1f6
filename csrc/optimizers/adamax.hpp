// Adamax: Adam with the largest recent gradient in place of the root mean square.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

#include "core/describe.hpp"
#include "core/math.hpp"

namespace gs {

/// Kingma & Ba 2015, arXiv:1412.6980, algorithm 2; epsilon beside u, as in Keras.
struct Adamax {
  double learning_rate = 0.001, beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;

  static constexpr const char* name = "Adamax";
  static constexpr std::array slots{"m", "u"};
  static constexpr auto fields() {
    return std::array{
        Field<Adamax>{"learning_rate", &Adamax::learning_rate, "step size", 0, inf},
        Field<Adamax>{"beta_1", &Adamax::beta_1, "share of m kept", 0, 1, false, true},
        Field<Adamax>{"beta_2", &Adamax::beta_2, "share of u kept", 0, 1, false, true},
        Field<Adamax>{"epsilon", &Adamax::epsilon, "added to u", 0, inf},
    };
  }

  template <class Real> struct Update {
    Real take_1, beta_2, step, epsilon;
    HD void operator()(Real& w, Real g, Real& m, Real& u) const {
      m += take_1 * (g - m);
      u = larger(beta_2 * u, magnitude(g));
      w -= step * m / (u + epsilon);
    }
  };
  template <class Real> Update<Real> at(std::int64_t t) const {
    return {Real(1 - beta_1), Real(beta_2), Real(learning_rate / (1 - std::pow(beta_1, double(t)))), Real(epsilon)};
  }
};

}  // namespace gs
