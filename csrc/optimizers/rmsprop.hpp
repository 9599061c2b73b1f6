// RMSprop: the gradient over its running root mean square.
#pragma once

#include <array>
#include <cstdint>

#include "core/describe.hpp"
#include "core/math.hpp"

namespace gs {

/// Tieleman & Hinton 2012, Neural Networks for Machine Learning, lecture 6e. Epsilon is inside the root, as in Keras.
struct RMSprop {
  double learning_rate = 0.001, rho = 0.9, epsilon = 1e-7;

  static constexpr const char* name = "RMSprop";
  static constexpr std::array slots{"v"};
  static constexpr auto fields() {
    return std::array{
        Field<RMSprop>{"learning_rate", &RMSprop::learning_rate, "step size", 0, inf},
        Field<RMSprop>{"rho", &RMSprop::rho, "share of the running mean kept", 0, 1, false, true},
        Field<RMSprop>{"epsilon", &RMSprop::epsilon, "added inside the root", 0, inf},
    };
  }

  template <class Real> struct Update {
    Real rate, rho, fresh, epsilon;
    HD void operator()(Real& w, Real g, Real& v) const {
      v = rho * v + fresh * (g * g);
      w -= rate * g / root(v + epsilon);
    }
  };
  template <class Real> Update<Real> at(std::int64_t) const {
    return {Real(learning_rate), Real(rho), Real(1 - rho), Real(epsilon)};
  }
};

}  // namespace gs
