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
    HD void remember(Real& mean, Real x) const { mean = rho * mean + fresh * x; }
    HD Real step(Real g, Real& v) const {
      remember(v, g * g);
      return rate * g / root(v + epsilon);
    }
    HD void operator()(Real& w, Real g, Real& v) const { w -= step(g, v); }
  };
  template <class Real> Update<Real> at(std::int64_t) const {
    return {Real(learning_rate), Real(rho), Real(1 - rho), Real(epsilon)};
  }
};

/// RMSprop over the variance: the squared mean is taken off. Graves 2013, arXiv:1308.0850, section 4.2.
struct RMSpropCentered : RMSprop {
  static constexpr const char* name = "RMSpropCentered";
  static constexpr std::array slots{"v", "m"};
  static constexpr auto fields() { return extend<RMSpropCentered>(RMSprop::fields()); }

  template <class Real> struct Update {
    RMSprop::Update<Real> plain;
    HD Real step(Real g, Real& v, Real& m) const {
      plain.remember(v, g * g);
      plain.remember(m, g);
      // Rounding may take the variance of a steady gradient below 0.
      return plain.rate * g / root(at_least(v - m * m, Real(0)) + plain.epsilon);
    }
    HD void operator()(Real& w, Real g, Real& v, Real& m) const { w -= step(g, v, m); }
  };
  template <class Real> Update<Real> at(std::int64_t t) const { return {RMSprop::at<Real>(t)}; }
};

/// RMSprop whose steps gather in a velocity, as in Keras.
struct RMSpropMomentum : RMSprop {
  double momentum = 0.9;

  static constexpr const char* name = "RMSpropMomentum";
  static constexpr std::array slots{"v", "velocity"};
  static constexpr auto fields() {
    return extend<RMSpropMomentum>(
        RMSprop::fields(), Field<RMSpropMomentum>{"momentum", &RMSpropMomentum::momentum, "share of the velocity kept",
                                                  0, 1, false, false});
  }

  template <class Real> struct Update {
    RMSprop::Update<Real> plain;
    Real momentum;
    HD void operator()(Real& w, Real g, Real& v, Real& velocity) const {
      velocity = momentum * velocity + plain.step(g, v);
      w -= velocity;
    }
  };
  template <class Real> Update<Real> at(std::int64_t t) const { return {RMSprop::at<Real>(t), Real(momentum)}; }
};

/// Both.
struct RMSpropCenteredMomentum : RMSpropCentered {
  double momentum = 0.9;

  static constexpr const char* name = "RMSpropCenteredMomentum";
  static constexpr std::array slots{"v", "m", "velocity"};
  static constexpr auto fields() {
    return extend<RMSpropCenteredMomentum>(
        RMSpropCentered::fields(), Field<RMSpropCenteredMomentum>{"momentum", &RMSpropCenteredMomentum::momentum,
                                                                  "share of the velocity kept", 0, 1, false, false});
  }

  template <class Real> struct Update {
    RMSpropCentered::Update<Real> centered;
    Real momentum;
    HD void operator()(Real& w, Real g, Real& v, Real& m, Real& velocity) const {
      velocity = momentum * velocity + centered.step(g, v, m);
      w -= velocity;
    }
  };
  template <class Real> Update<Real> at(std::int64_t t) const { return {RMSpropCentered::at<Real>(t), Real(momentum)}; }
};

}  // namespace gs
