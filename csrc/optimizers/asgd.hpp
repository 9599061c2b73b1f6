// ASGD: gradient descent, and the mean of the weights on its way.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

#include "core/describe.hpp"
#include "core/math.hpp"

namespace gs {

/// Polyak & Juditsky 1992, doi:10.1137/0330046; the rate of Bottou's SGD with averaging, as in PyTorch.
struct ASGD {
  double learning_rate = 0.01, lambd = 1e-4, alpha = 0.75, t0 = 1e6;

  static constexpr const char* name = "ASGD";
  static constexpr std::array slots{"ax"};
  static constexpr auto fields() {
    return std::array{
        Field<ASGD>{"learning_rate", &ASGD::learning_rate, "step size at first", 0, inf},
        Field<ASGD>{"lambd", &ASGD::lambd, "share of a weight removed a step, times the rate", 0, inf},
        Field<ASGD>{"alpha", &ASGD::alpha, "power with which the rate falls", 0, inf},
        Field<ASGD>{"t0", &ASGD::t0, "step from which weights are averaged", 0, inf},
    };
  }

  template <class Real> struct Update {
    Real keep, rate, kept, taken;
    HD void operator()(Real& w, Real g, Real& ax) const {
      w = keep * w - rate * g;
      ax = kept * ax + taken * w;
    }
  };
  template <class Real> Update<Real> at(std::int64_t t) const {
    const double done = double(t - 1), rate = learning_rate / std::pow(1 + lambd * learning_rate * done, alpha);
    const double share = 1 / std::fmax(1, done - t0);
    return {Real(1 - lambd * rate), Real(rate), Real(1 - share), Real(share)};
  }
};

}  // namespace gs
