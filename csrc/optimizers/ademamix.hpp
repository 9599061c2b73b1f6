// AdEMAMix: Adam along two running means of the gradient, a fast and a slow one.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

#include "core/bias_correction.hpp"
#include "core/describe.hpp"
#include "core/math.hpp"

namespace gs {

/// Pagliardini, Ablin & Grangier 2024, arXiv:2409.03137, algorithm 1 and the schedulers of its section 3.1.
struct AdEMAMix {
  double learning_rate = 0.001, beta_1 = 0.9, beta_2 = 0.999, beta_3 = 0.9999, alpha = 2, alpha_warmup = 0,
         beta_3_warmup = 0, epsilon = 1e-8;

  static constexpr const char* name = "AdEMAMix";
  static constexpr std::array slots{"m", "v", "m_slow"};
  static constexpr unsigned unsigned_slots = 0b10;
  static constexpr auto fields() {
    return std::array{
        Field<AdEMAMix>{"learning_rate", &AdEMAMix::learning_rate, "step size", 0, inf},
        Field<AdEMAMix>{"beta_1", &AdEMAMix::beta_1, "share of m kept", 0, 1, false, true},
        Field<AdEMAMix>{"beta_2", &AdEMAMix::beta_2, "share of v kept", 0, 1, false, true},
        Field<AdEMAMix>{"beta_3", &AdEMAMix::beta_3, "share of m_slow kept", 0, 1, false, true},
        Field<AdEMAMix>{"alpha", &AdEMAMix::alpha, "weight of m_slow beside m", 0, inf},
        Field<AdEMAMix>{"alpha_warmup", &AdEMAMix::alpha_warmup, "steps over which alpha grows from 0", 0, inf},
        Field<AdEMAMix>{"beta_3_warmup", &AdEMAMix::beta_3_warmup, "steps over which beta_3 grows from beta_1", 0, inf},
        Field<AdEMAMix>{"epsilon", &AdEMAMix::epsilon, "added to the corrected root of v", 0, inf},
    };
  }

  template <class Real> struct Update {
    Real take_1, take_2, take_3, step, step_slow, epsilon;
    HD void operator()(Real& w, Real g, Real& m, Real& v, Real& m_slow) const {
      m += take_1 * (g - m);
      m_slow += take_3 * (g - m_slow);
      move_mean(v, take_2, g * g);
      w -= (step * m + step_slow * m_slow) / (root(v) + epsilon);
    }
  };
  template <class Real> Update<Real> at(std::int64_t t) const {
    const double correction = std::sqrt(bias_correction(beta_2, t)), step = learning_rate * correction;
    return {Real(1 - beta_1),
            Real(1 - beta_2),
            Real(1 - slow(done(t, beta_3_warmup))),
            Real(step / bias_correction(beta_1, t)),
            Real(step * alpha * done(t, alpha_warmup)),
            Real(epsilon * correction)};
  }

 private:
  static double done(std::int64_t t, double steps) { return double(t) < steps ? double(t) / steps : 1; }
  /// beta_3 on its way from beta_1: the half-life 1 / log2(1 / beta) grows evenly.
  double slow(double share) const {
    if (share == 1) return beta_3;
    return std::exp(1 / ((1 - share) / std::log(beta_1) + share / std::log(beta_3)));
  }
};

}  // namespace gs
