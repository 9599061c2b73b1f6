// Schedule-free gradient descent: steps from an average of the weights that takes the place of a falling rate.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "core/describe.hpp"
#include "core/math.hpp"

namespace gs {

/// 1 + 2^power + ... + n^power for whole n and power >= 0, to a few ULP: the first terms, and Euler and Maclaurin's
/// formula for the others, so that it takes no longer for a large n.
inline double sum_of_powers(double n, double power) {
  if (power == 0) return n;
  const double first = std::fmin(n, std::floor(16 + 8 * power));
  double sum = 0;
  for (double i = 1; i <= first; ++i) sum += std::pow(i, power);
  if (n == first) return sum;
  const double low = std::pow(first, power), high = std::pow(n, power);
  sum += (high * n - low * first) / (power + 1) + (high - low) / 2;
  // Bernoulli numbers over factorials, of 2, 4, ..., 10; times the odd derivatives of i^power.
  constexpr double weights[] = {1.0 / 12, -1.0 / 720, 1.0 / 30240, -1.0 / 1209600, 1.0 / 47900160};
  double slope = power, at_low = low / first, at_high = high / n, order = 1;
  for (const double weight : weights) {
    sum += weight * slope * (at_high - at_low);
    slope *= (power - order) * (power - order - 1);
    at_low /= first * first, at_high /= n * n, order += 2;
  }
  return sum;
}

/// How weights are averaged. z takes the steps; x is their mean, in which step t has the weight
/// t^r min(1, t / warmup)^power; and the weight is y = (1 - beta) z + beta x. Kept is z - y: small, from 0, and enough.
struct Averaging {
  double warmup, r, power;

  /// The part of the rate that warm-up leaves.
  double warmed(std::int64_t t) const { return double(t) < warmup ? double(t) / warmup : 1; }
  /// What z is worth in the mean after step t.
  double share(std::int64_t t) const {
    const double now = double(t), risen = std::fmin(now, std::floor(warmup));
    double sum = risen < 1 ? 0 : sum_of_powers(risen, r + power) / std::pow(warmup, power);
    if (now > risen) sum += sum_of_powers(now, r) - sum_of_powers(risen, r);
    return std::pow(now, r) * std::pow(warmed(t), power) / sum;
  }

  template <class Real> struct Update {
    Real share, rest, beta, push;
    /// step: what z moves by.
    HD void operator()(Real& w, Real step, Real& ahead) const {
      w += share * ahead - push * step;
      ahead = rest * (ahead - beta * step);
    }
  };
  template <class Real> Update<Real> at(std::int64_t t, double beta) const {
    const double now = share(t);
    return {Real(now), Real(1 - now), Real(beta), Real(1 - beta * (1 - now))};
  }
};

/// Defazio et al. 2024, arXiv:2405.15682, equations 3 to 5; weights and warm-up as in its authors' code.
struct ScheduleFreeSGD {
  double learning_rate = 1, momentum = 0.9, weight_decay = 0, warmup_steps = 0, r = 0, weight_lr_power = 2;

  static constexpr const char* name = "ScheduleFreeSGD";
  static constexpr std::array slots{"ahead"};
  static constexpr auto fields() {
    using O = ScheduleFreeSGD;
    return std::array{
        Field<O>{"learning_rate", &O::learning_rate, "step size", 0, inf},
        Field<O>{"momentum", &O::momentum, "part of the mean in the weight", 0, 1, true, false},
        Field<O>{"weight_decay", &O::weight_decay, "share of the weight that joins the gradient", 0, inf},
        Field<O>{"warmup_steps", &O::warmup_steps, "steps over which the rate grows from 0", 0, inf},
        Field<O>{"r", &O::r, "power of t in the mean", 0, 10, false, false},
        Field<O>{"weight_lr_power", &O::weight_lr_power, "power of the warmed rate in the mean", 0, 10, false, false},
    };
  }

  template <class Real> struct Update {
    Real rate, decay;
    Averaging::Update<Real> mean;
    HD void operator()(Real& w, Real g, Real& ahead) const { mean(w, rate * g + decay * w, ahead); }
  };
  template <class Real> Update<Real> at(std::int64_t t) const {
    const Averaging mean{warmup_steps, r, weight_lr_power};
    const double rate = learning_rate * mean.warmed(t);
    return {Real(rate), Real(rate * weight_decay), mean.at<Real>(t, momentum)};
  }
};

}  // namespace gs
