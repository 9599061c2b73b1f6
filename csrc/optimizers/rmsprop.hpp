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
  static constexpr unsigned unsigned_slots = 0b1;
  static constexpr auto fields() {
    return std::array{
        Field<RMSprop>{"learning_rate", &RMSprop::learning_rate, "step size", 0, inf},
        Field<RMSprop>{"rho", &RMSprop::rho, "share of the running mean kept", 0, 1, false, true},
        Field<RMSprop>{"epsilon", &RMSprop::epsilon, "added inside the root, or to it", 0, inf},
    };
  }

  template <class Real> struct Update {
    Real rate, rho, fresh, inside, outside;  // the root
    HD void remember(Real& mean, Real x) const { mean = rho * mean + fresh * x; }
    HD Real along(Real g, Real spread) const { return rate * g / (root(spread + inside) + outside); }
    HD Real step(Real g, Real& v) const {
      remember(v, g * g);
      return along(g, v);
    }
    HD void operator()(Real& w, Real g, Real& v) const { w -= step(g, v); }
  };
  template <class Real> Update<Real> at(std::int64_t) const { return constants<Real>(learning_rate, epsilon, 0); }

 protected:
  template <class Real> Update<Real> constants(double rate, double inside, double outside) const {
    return {Real(rate), Real(rho), Real(1 - rho), Real(inside), Real(outside)};
  }
  void start_as_torch() { learning_rate = 0.01, rho = 0.99, epsilon = 1e-8; }
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
      // An infinite v stays infinite. Rounding may take the variance of a steady gradient below 0.
      return plain.along(g, at_least(v - bounded(m * m), Real(0)));
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
    Real momentum, stride;
    HD void operator()(Real& w, Real g, Real& v, Real& velocity) const {
      velocity = momentum * velocity + plain.step(g, v);
      w -= stride * velocity;
    }
  };
  template <class Real> Update<Real> at(std::int64_t t) const { return {RMSprop::at<Real>(t), Real(momentum), 1}; }
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
    Real momentum, stride;
    HD void operator()(Real& w, Real g, Real& v, Real& m, Real& velocity) const {
      velocity = momentum * velocity + centered.step(g, v, m);
      w -= stride * velocity;
    }
  };
  template <class Real> Update<Real> at(std::int64_t t) const {
    return {RMSpropCentered::at<Real>(t), Real(momentum), 1};
  }
};

/// The same four as in PyTorch: epsilon outside the root, the rate outside the velocity.
struct TorchRMSprop : RMSprop {
  TorchRMSprop() { start_as_torch(); }

  static constexpr const char* name = "TorchRMSprop";
  static constexpr auto fields() { return extend<TorchRMSprop>(RMSprop::fields()); }
  template <class Real> Update<Real> at(std::int64_t) const { return constants<Real>(learning_rate, 0, epsilon); }
};
struct TorchRMSpropCentered : RMSpropCentered {
  TorchRMSpropCentered() { start_as_torch(); }

  static constexpr const char* name = "TorchRMSpropCentered";
  static constexpr auto fields() { return extend<TorchRMSpropCentered>(RMSpropCentered::fields()); }
  template <class Real> Update<Real> at(std::int64_t) const { return {constants<Real>(learning_rate, 0, epsilon)}; }
};
struct TorchRMSpropMomentum : RMSpropMomentum {
  TorchRMSpropMomentum() { start_as_torch(); }

  static constexpr const char* name = "TorchRMSpropMomentum";
  static constexpr auto fields() { return extend<TorchRMSpropMomentum>(RMSpropMomentum::fields()); }
  template <class Real> Update<Real> at(std::int64_t) const {
    return {constants<Real>(1, 0, epsilon), Real(momentum), Real(learning_rate)};
  }
};
struct TorchRMSpropCenteredMomentum : RMSpropCenteredMomentum {
  TorchRMSpropCenteredMomentum() { start_as_torch(); }

  static constexpr const char* name = "TorchRMSpropCenteredMomentum";
  static constexpr auto fields() { return extend<TorchRMSpropCenteredMomentum>(RMSpropCenteredMomentum::fields()); }
  template <class Real> Update<Real> at(std::int64_t) const {
    return {{constants<Real>(1, 0, epsilon)}, Real(momentum), Real(learning_rate)};
  }
};

}  // namespace gs
