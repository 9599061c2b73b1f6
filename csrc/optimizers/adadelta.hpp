// Adadelta: the gradient over its root mean square, times that of the steps.
#pragma once

#include <array>
#include <cstdint>

#include "core/describe.hpp"
#include "core/math.hpp"

namespace gs {

/// Zeiler 2012, arXiv:1212.5701, algorithm 1; times a rate, as in Keras and PyTorch.
struct Adadelta {
  double learning_rate = 0.001, rho = 0.95, epsilon = 1e-7;

  static constexpr const char* name = "Adadelta";
  static constexpr std::array slots{"v", "u"};
  static constexpr unsigned unsigned_slots = 0b11;
  static constexpr auto fields() {
    return std::array{
        Field<Adadelta>{"learning_rate", &Adadelta::learning_rate, "step size", 0, inf},
        Field<Adadelta>{"rho", &Adadelta::rho, "share of the running means kept", 0, 1, false, true},
        Field<Adadelta>{"epsilon", &Adadelta::epsilon, "added inside both roots", 0, inf},
    };
  }

  template <class Real> struct Update {
    Real rate, rho, fresh, epsilon;
    HD void operator()(Real& w, Real g, Real& v, Real& u) const {
      v = rho * v + fresh * (g * g);
      const Real delta = g * root((u + epsilon) / (v + epsilon));
      u = rho * u + fresh * (delta * delta);
      w -= rate * delta;
    }
  };
  template <class Real> Update<Real> at(std::int64_t) const {
    return {Real(learning_rate), Real(rho), Real(1 - rho), Real(epsilon)};
  }
};

/// Adadelta from PyTorch's defaults.
struct TorchAdadelta : Adadelta {
  TorchAdadelta() { learning_rate = 1, rho = 0.9, epsilon = 1e-6; }

  static constexpr const char* name = "TorchAdadelta";
  static constexpr auto fields() { return extend<TorchAdadelta>(Adadelta::fields()); }
};

}  // namespace gs
