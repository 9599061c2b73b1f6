// Schedule-free AdamW: steps over the root mean square of the gradient, from an average of the weights.
#pragma once

#include "core/bias_correction.hpp"
#include "optimizers/schedulefreesgd.hpp"

namespace gs {

/// Defazio et al. 2024, arXiv:2405.15682, algorithm 1; the weights of the mean as in Keras.
struct ScheduleFreeAdamW {
  double learning_rate = 0.0025, beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-8, weight_decay = 0, warmup_steps = 0,
         r = 0, weight_lr_power = 0;

  static constexpr const char* name = "ScheduleFreeAdamW";
  static constexpr std::array slots{"v", "ahead"};
  static constexpr unsigned unsigned_slots = 0b1;
  static constexpr auto fields() {
    using O = ScheduleFreeAdamW;
    return std::array{
        Field<O>{"learning_rate", &O::learning_rate, "step size", 0, inf},
        Field<O>{"beta_1", &O::beta_1, "part of the mean in the weight", 0, 1, true, false},
        Field<O>{"beta_2", &O::beta_2, "share of v kept", 0, 1, false, true},
        Field<O>{"epsilon", &O::epsilon, "added to the corrected root of v", 0, inf},
        Field<O>{"weight_decay", &O::weight_decay, "share of the weight removed a step, times the rate", 0, inf},
        Field<O>{"warmup_steps", &O::warmup_steps, "steps over which the rate grows from 0", 0, inf},
        Field<O>{"r", &O::r, "power of t in the mean", 0, 10, false, false},
        Field<O>{"weight_lr_power", &O::weight_lr_power, "power of the warmed rate in the mean", 0, 10, false, false},
    };
  }

  template <class Real> struct Update {
    Real take_2, step, epsilon, decay;
    Averaging::Update<Real> mean;
    HD void operator()(Real& w, Real g, Real& v, Real& ahead) const {
      move_mean(v, take_2, g * g);
      mean(w, step * g / (root(v) + epsilon) + decay * w, ahead);
    }
  };
  template <class Real> Update<Real> at(std::int64_t t) const {
    const Averaging mean{warmup_steps, r, weight_lr_power};
    const double rate = learning_rate * mean.warmed(t), correction = std::sqrt(bias_correction(beta_2, t));
    return {Real(1 - beta_2), Real(rate * correction), Real(epsilon * correction), Real(rate * weight_decay),
            mean.at<Real>(t, beta_1)};
  }
};

}  // namespace gs
