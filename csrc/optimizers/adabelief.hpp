// AdaBelief: Adam over the distance of the gradient from what was expected.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

#include "core/bias_correction.hpp"
#include "core/describe.hpp"
#include "core/math.hpp"

namespace gs {

/// Zhuang et al. 2020, arXiv:2010.07468, algorithm 2.
struct AdaBelief {
  double learning_rate = 0.001, beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-16;

  static constexpr const char* name = "AdaBelief";
  static constexpr std::array slots{"m", "s"};
  static constexpr unsigned unsigned_slots = 0b10;
  static constexpr auto fields() {
    return std::array{
        Field<AdaBelief>{"learning_rate", &AdaBelief::learning_rate, "step size", 0, inf},
        Field<AdaBelief>{"beta_1", &AdaBelief::beta_1, "share of m kept", 0, 1, false, true},
        Field<AdaBelief>{"beta_2", &AdaBelief::beta_2, "share of s kept", 0, 1, false, true},
        Field<AdaBelief>{"epsilon", &AdaBelief::epsilon, "added to s in each step, and to its corrected root", 0, inf},
    };
  }

  template <class Real> struct Update {
    Real take_1, take_2, grow, step, epsilon;
    HD void operator()(Real& w, Real g, Real& m, Real& s) const {
      m += take_1 * (g - m);
      const Real surprise = g - m;
      move_mean(s, take_2, surprise * surprise);
      s += grow;
      w -= step * m / (root(s) + epsilon);
    }
  };
  template <class Real> Update<Real> at(std::int64_t t) const {
    const double correction = std::sqrt(bias_correction(beta_2, t));
    const double step = learning_rate * correction / bias_correction(beta_1, t);
    return {Real(1 - beta_1), Real(1 - beta_2), Real(epsilon), Real(step), Real(epsilon * correction)};
  }
};

}  // namespace gs
