// Signum: the sign of the running mean of the gradient.
#pragma once

#include <array>
#include <cstdint>

#include "core/describe.hpp"
#include "core/math.hpp"

namespace gs {

/// Bernstein et al. 2018, arXiv:1802.04434, algorithm 2.
struct Signum {
  double learning_rate = 0.0001, momentum = 0.9;

  static constexpr const char* name = "Signum";
  static constexpr std::array slots{"m"};
  static constexpr auto fields() {
    return std::array{
        Field<Signum>{"learning_rate", &Signum::learning_rate, "step size", 0, inf},
        Field<Signum>{"momentum", &Signum::momentum, "share of m kept", 0, 1, false, true},
    };
  }

  template <class Real> struct Update {
    Real rate, momentum, fresh;
    HD void operator()(Real& w, Real g, Real& m) const {
      m = momentum * m + fresh * g;
      w -= rate * sign(m);
    }
  };
  template <class Real> Update<Real> at(std::int64_t) const {
    return {Real(learning_rate), Real(momentum), Real(1 - momentum)};
  }
};

}  // namespace gs
