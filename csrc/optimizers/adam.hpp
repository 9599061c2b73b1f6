// Adam: running means of the gradient and of its square, both corrected for their start at 0.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

#include "core/bias_correction.hpp"
#include "core/describe.hpp"
#include "core/math.hpp"

namespace gs {

/// Kingma & Ba 2015, arXiv:1412.6980, section 2: the form before algorithm 2 with "epsilon hat", as in Keras.
struct Adam {
  double learning_rate = 0.001, beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;

  static constexpr const char* name = "Adam";
  static constexpr std::array slots{"m", "v"};
  static constexpr unsigned unsigned_slots = 0b10;
  static constexpr auto fields() {
    return std::array{
        Field<Adam>{"learning_rate", &Adam::learning_rate, "step size", 0, inf},
        Field<Adam>{"beta_1", &Adam::beta_1, "share of m kept", 0, 1, false, true},
        Field<Adam>{"beta_2", &Adam::beta_2, "share of v kept", 0, 1, false, true},
        Field<Adam>{"epsilon", &Adam::epsilon, "added to the root of v", 0, inf},
    };
  }

  template <class Real> struct Update {
    Real take_1, take_2, step, epsilon;
    HD void remember(Real g, Real& m, Real& v) const {
      m += take_1 * (g - m);
      move_mean(v, take_2, g * g);
    }
    HD Real along(Real m, Real v) const { return step * m / (root(v) + epsilon); }
    HD void operator()(Real& w, Real g, Real& m, Real& v) const {
      remember(g, m, v);
      w -= along(m, v);
    }
  };
  template <class Real> Update<Real> at(std::int64_t t) const { return constants<Real>(t, correction(t), epsilon); }

 protected:
  /// The root of v over that of a mean of squares: v starts at 0.
  double correction(std::int64_t t) const { return std::sqrt(bias_correction(beta_2, t)); }
  /// epsilon: as it is added to the root of v before the bias correction.
  template <class Real> Update<Real> constants(std::int64_t t, double correction, double epsilon) const {
    const double step = learning_rate * correction / bias_correction(beta_1, t);
    return {Real(1 - beta_1), Real(1 - beta_2), Real(step), Real(epsilon)};
  }
};

/// Adam with epsilon after the bias correction: the paper's algorithm 1, as in PyTorch.
struct TorchAdam : Adam {
  TorchAdam() { epsilon = 1e-8; }

  static constexpr const char* name = "TorchAdam";
  static constexpr auto fields() { return extend<TorchAdam>(Adam::fields()); }
  template <class Real> Update<Real> at(std::int64_t t) const {
    const double root = correction(t);
    return constants<Real>(t, root, epsilon * root);
  }
};

/// Adam with the largest v so far in place of v. Reddi, Kale & Kumar 2018, arXiv:1904.09237, algorithm 2.
struct AMSGrad : Adam {
  static constexpr const char* name = "AMSGrad";
  static constexpr std::array slots{"m", "v", "v_hat"};
  static constexpr unsigned unsigned_slots = 0b110;
  static constexpr auto fields() { return extend<AMSGrad>(Adam::fields()); }

  template <class Real> struct Update {
    Adam::Update<Real> adam;
    HD void operator()(Real& w, Real g, Real& m, Real& v, Real& v_hat) const {
      adam.remember(g, m, v);
      v_hat = larger(v_hat, v);
      w -= adam.along(m, v_hat);
    }
  };
  template <class Real> Update<Real> at(std::int64_t t) const { return {Adam::at<Real>(t)}; }
};

/// AMSGrad with PyTorch's epsilon.
struct TorchAMSGrad : TorchAdam {
  static constexpr const char* name = "TorchAMSGrad";
  static constexpr auto slots = AMSGrad::slots;
  static constexpr unsigned unsigned_slots = AMSGrad::unsigned_slots;
  static constexpr auto fields() { return extend<TorchAMSGrad>(TorchAdam::fields()); }
  template <class Real> using Update = AMSGrad::Update<Real>;
  template <class Real> Update<Real> at(std::int64_t t) const { return {TorchAdam::at<Real>(t)}; }
};

}  // namespace gs
