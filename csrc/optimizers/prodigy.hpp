// Prodigy: Adam that finds its step size, from how far the weights have come.
#pragma once

#include <algorithm>

#include "core/measure.hpp"
#include "optimizers/adam.hpp"

namespace gs {

/// Mishchenko & Defazio 2024, arXiv:2306.06101, algorithm 4, with the constants of its authors' code.
struct Prodigy {
  double learning_rate = 1, beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-8, weight_decay = 0, d0 = 1e-6, d_coef = 1,
         growth_rate = inf;

  static constexpr const char* name = "Prodigy";
  static constexpr std::array slots{"m", "v", "s", "offset"};
  static constexpr unsigned unsigned_slots = 0b10;
  static constexpr auto fields() {
    return std::array{
        Field<Prodigy>{"learning_rate", &Prodigy::learning_rate, "step size, in units of d", 0, inf},
        Field<Prodigy>{"beta_1", &Prodigy::beta_1, "share of m kept", 0, 1, false, true},
        Field<Prodigy>{"beta_2", &Prodigy::beta_2, "share of v kept; its root, of s and numerator", 0, 1, false, true},
        Field<Prodigy>{"epsilon", &Prodigy::epsilon, "times d, added to the root of v", 0, inf},
        Field<Prodigy>{"weight_decay", &Prodigy::weight_decay, "share of a weight removed a step, times the rate and d",
                       0, inf},
        Field<Prodigy>{"d0", &Prodigy::d0, "d at first", 0, inf, true, true},
        Field<Prodigy>{"d_coef", &Prodigy::d_coef, "factor of the estimate of d", 0, inf, true, true},
        Field<Prodigy>{"growth_rate", &Prodigy::growth_rate, "most that d grows by in a step", 1, inf, false, false},
    };
  }
  static constexpr std::size_t sums = 2;  // g times the way from w to where it began, and the sizes of s
  static constexpr bool global_sums = true;
  static constexpr std::array scalars{"d", "d_max", "numerator"};

  template <class Real> struct Measure {
    Adam::Update<Real> adam;
    Real d, beta_3, weight;
    HD void operator()(Real, Real g, Real& m, Real& v, Real& s, Real& offset, double& gain, double& sizes) const {
      const Real weighted = weight * g;
      adam.remember(d * g, m, v);
      s = beta_3 * s + weighted;
      gain += double(weighted) * double(offset);
      sizes += magnitude(double(s));
    }
  };
  template <class Real> HD Measure<Real> measure(std::int64_t, const double* scalars) const {
    const double d = std::max(scalars[0], d0);
    return {
        {Real(1 - beta_1), Real(1 - beta_2), 0, 0}, Real(d), Real(std::sqrt(beta_2)), Real(d / d0 * d * learning_rate)};
  }

  template <class Real> struct Update {
    Adam::Update<Real> adam;
    Real decay;
    HD void operator()(Real& w, Real, Real& m, Real& v, Real&, Real& offset) const {
      const Real step = adam.along(m, v) + decay * w;
      w -= step;
      offset += step;
    }
  };
  template <class Real> HD Update<Real> at(std::int64_t, const double* sums, const double* scalars) const {
    const double rate = std::max(scalars[0], d0) * learning_rate;
    double next[3] = {scalars[0], scalars[1], scalars[2]};
    advance(sums, next);
    return {{0, 0, Real(rate), Real(next[0] * epsilon)}, Real(rate * weight_decay)};
  }
  HD void advance(const double* sums, double* scalars) const {
    double &d = scalars[0], &d_max = scalars[1], &numerator = scalars[2];
    d = std::max(d, d0);
    d_max = std::max(d_max, d0);
    if (sums[1] == 0) return;  // no gradient was seen yet
    numerator = std::sqrt(beta_2) * numerator + sums[0];
    const double estimate = d_coef * numerator / sums[1];
    if (d == d0) d = std::max(d, estimate);
    d_max = std::max(d_max, estimate);
    d = std::min(d_max, d * growth_rate);
  }
};

}  // namespace gs
