// RAdam: Adam that waits until its second moment can be trusted.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

#include "core/bias_correction.hpp"
#include "core/describe.hpp"
#include "core/math.hpp"

namespace gs {

/// Liu et al. 2020, arXiv:1908.03265, algorithm 2; the bound of 5 and the place of epsilon as in PyTorch.
struct RAdam {
  double learning_rate = 0.001, beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-8;

  static constexpr const char* name = "RAdam";
  static constexpr std::array slots{"m", "v"};
  static constexpr unsigned unsigned_slots = 0b10;
  static constexpr auto fields() {
    return std::array{
        Field<RAdam>{"learning_rate", &RAdam::learning_rate, "step size", 0, inf},
        Field<RAdam>{"beta_1", &RAdam::beta_1, "share of m kept", 0, 1, false, true},
        Field<RAdam>{"beta_2", &RAdam::beta_2, "share of v kept", 0, 1, false, true},
        Field<RAdam>{"epsilon", &RAdam::epsilon, "added to the root of v, before the bias correction", 0, inf},
    };
  }

  template <class Real> struct Update {
    Real take_1, take_2, step, epsilon, low, high;
    HD void operator()(Real& w, Real g, Real& m, Real& v) const {
      m += take_1 * (g - m);
      move_mean(v, take_2, g * g);
      w -= step * m / at_most(at_least(root(v) + epsilon, low), high);
    }
  };
  template <class Real> Update<Real> at(std::int64_t t) const {
    const double kept = std::pow(beta_2, double(t)), step = learning_rate / bias_correction(beta_1, t);
    // The number of gradients that v averages, at last and now.
    const double last = 2 / (1 - beta_2) - 1, now = last - 2 * double(t) * kept / (1 - kept);
    // Not yet enough: the root is held at 1, and the step is that of momentum alone.
    if (!(now > 5)) return {Real(1 - beta_1), Real(1 - beta_2), Real(step), Real(epsilon), 1, 1};
    const double trust = std::sqrt((now - 4) * (now - 2) * last / ((last - 4) * (last - 2) * now));
    return {Real(1 - beta_1), Real(1 - beta_2), Real(step * trust * std::sqrt(1 - kept)), Real(epsilon), 0, Real(inf)};
  }
};

}  // namespace gs
