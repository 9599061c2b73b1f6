// Lion: the sign of a blend of gradient and momentum.
#pragma once

#include <array>
#include <cstdint>

#include "core/describe.hpp"
#include "core/math.hpp"

namespace gs {

/// Chen et al. 2023, arXiv:2302.06675, algorithm 2.
struct Lion {
  double learning_rate = 0.001, beta_1 = 0.9, beta_2 = 0.99;

  static constexpr const char* name = "Lion";
  static constexpr std::array slots{"m"};
  static constexpr auto fields() {
    return std::array{
        Field<Lion>{"learning_rate", &Lion::learning_rate, "step size", 0, inf},
        Field<Lion>{"beta_1", &Lion::beta_1, "share of m in the direction of the step", 0, 1, true, false},
        Field<Lion>{"beta_2", &Lion::beta_2, "share of m kept", 0, 1, false, true},
    };
  }

  template <class Real> struct Update {
    Real rate, beta_1, fresh_1, beta_2, fresh_2;
    HD void operator()(Real& w, Real g, Real& m) const {
      w -= rate * sign(beta_1 * m + fresh_1 * g);
      m = beta_2 * m + fresh_2 * g;
    }
  };
  template <class Real> Update<Real> at(std::int64_t) const {
    return {Real(learning_rate), Real(beta_1), Real(1 - beta_1), Real(beta_2), Real(1 - beta_2)};
  }
};

}  // namespace gs
