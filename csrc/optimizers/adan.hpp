// Adan: Adam with Nesterov's momentum, from the differences of gradients.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

#include "core/bias_correction.hpp"
#include "core/describe.hpp"
#include "core/math.hpp"

namespace gs {

/// Xie et al. 2022, arXiv:2208.06677, algorithm 1, with bias correction and betas as shares kept, as its authors' code.
struct Adan {
  double learning_rate = 0.001, beta_1 = 0.98, beta_2 = 0.92, beta_3 = 0.99, epsilon = 1e-8;

  static constexpr const char* name = "Adan";
  static constexpr std::array slots{"m", "v", "n", "previous"};
  static constexpr unsigned unsigned_slots = 0b100;
  static constexpr auto fields() {
    return std::array{
        Field<Adan>{"learning_rate", &Adan::learning_rate, "step size", 0, inf},
        Field<Adan>{"beta_1", &Adan::beta_1, "share of m kept", 0, 1, false, true},
        Field<Adan>{"beta_2", &Adan::beta_2, "share of v kept", 0, 1, false, true},
        Field<Adan>{"beta_3", &Adan::beta_3, "share of n kept", 0, 1, false, true},
        Field<Adan>{"epsilon", &Adan::epsilon, "added to the corrected root of n", 0, inf},
    };
  }

  template <class Real> struct Update {
    Real take_1, take_2, take_3, beta_2, step_m, step_v, epsilon, known;
    HD void operator()(Real& w, Real g, Real& m, Real& v, Real& n, Real& previous) const {
      const Real change = known * (g - previous);
      const Real ahead = g + beta_2 * change;
      m += take_1 * (g - m);
      v += take_2 * (change - v);
      move_mean(n, take_3, ahead * ahead);
      w -= (step_m * m + step_v * v) / (root(n) + epsilon);
      previous = g;
    }
  };
  template <class Real> Update<Real> at(std::int64_t t) const {
    const double correction = std::sqrt(bias_correction(beta_3, t)), step = learning_rate * correction;
    return {Real(1 - beta_1),
            Real(1 - beta_2),
            Real(1 - beta_3),
            Real(beta_2),
            Real(step / bias_correction(beta_1, t)),
            Real(step * beta_2 / bias_correction(beta_2, t)),
            Real(epsilon * correction),
            Real(t > 1)};  // the first gradient has none before it
  }
};

}  // namespace gs
