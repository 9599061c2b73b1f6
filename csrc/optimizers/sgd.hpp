// Gradient descent, alone and with momentum.
#pragma once

#include <array>
#include <cstdint>

#include "core/describe.hpp"
#include "core/portable.hpp"

namespace gs {

/// Stochastic gradient descent. Robbins & Monro 1951, doi:10.1214/aoms/1177729586.
struct SGD {
  double learning_rate = 0.01;

  static constexpr const char* name = "SGD";
  static constexpr std::array<const char*, 0> slots{};
  static constexpr auto fields() {
    return std::array{Field<SGD>{"learning_rate", &SGD::learning_rate, "step size", 0, inf}};
  }

  template <class Real> struct Update {
    Real rate;
    HD void operator()(Real& w, Real g) const { w -= rate * g; }
  };
  template <class Real> Update<Real> at(std::int64_t) const { return {Real(learning_rate)}; }
};

/// From PyTorch's default.
struct TorchSGD : SGD {
  TorchSGD() { learning_rate = 0.001; }

  static constexpr const char* name = "TorchSGD";
  static constexpr auto fields() { return extend<TorchSGD>(SGD::fields()); }
};

/// The heavy ball, with the rate inside the velocity as in Keras. Polyak 1964, doi:10.1016/0041-5553(64)90137-5.
struct Momentum {
  double learning_rate = 0.01, momentum = 0.9;

  static constexpr const char* name = "Momentum";
  static constexpr std::array slots{"velocity"};
  static constexpr auto fields() {
    return std::array{
        Field<Momentum>{"learning_rate", &Momentum::learning_rate, "step size", 0, inf},
        Field<Momentum>{"momentum", &Momentum::momentum, "share of the velocity kept", 0, 1, false, false},
    };
  }

  template <class Real> struct Update {
    Real momentum, push, stride;  // into the velocity, and out of it
    HD void operator()(Real& w, Real g, Real& velocity) const {
      velocity = momentum * velocity + push * g;
      w += stride * velocity;
    }
  };
  template <class Real> Update<Real> at(std::int64_t) const { return {Real(momentum), Real(-learning_rate), 1}; }
};

/// Momentum with the gradient taken one step ahead. Nesterov 1983; in this form Sutskever et al. 2013, section 2.
struct Nesterov : Momentum {
  static constexpr const char* name = "Nesterov";
  static constexpr auto fields() { return extend<Nesterov>(Momentum::fields()); }

  template <class Real> struct Update {
    Real momentum, push, stride;
    HD void operator()(Real& w, Real g, Real& velocity) const {
      const Real fresh = push * g;
      velocity = momentum * velocity + fresh;
      w += stride * (momentum * velocity + fresh);
    }
  };
  template <class Real> Update<Real> at(std::int64_t) const { return {Real(momentum), Real(-learning_rate), 1}; }
};

/// Momentum with the rate outside the velocity, the first gradient of which is not dampened, as in PyTorch.
struct TorchMomentum : Momentum {
  TorchMomentum() { learning_rate = 0.001; }
  double dampening = 0;

  static constexpr const char* name = "TorchMomentum";
  static constexpr auto fields() {
    return extend<TorchMomentum>(
        Momentum::fields(), Field<TorchMomentum>{"dampening", &TorchMomentum::dampening,
                                                 "share of a gradient kept out of the velocity", 0, 1, false, false});
  }
  template <class Real> Update<Real> at(std::int64_t t) const {
    return {Real(momentum), Real(t == 1 ? 1 : 1 - dampening), Real(-learning_rate)};
  }
};

/// Nesterov's momentum with the rate outside the velocity, as in PyTorch.
struct TorchNesterov : Nesterov {
  TorchNesterov() { learning_rate = 0.001; }

  static constexpr const char* name = "TorchNesterov";
  static constexpr auto fields() { return extend<TorchNesterov>(Nesterov::fields()); }
  template <class Real> Update<Real> at(std::int64_t) const { return {Real(momentum), 1, Real(-learning_rate)}; }
};

}  // namespace gs
