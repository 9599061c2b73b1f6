// Lamb: Adam with steps as long as a share of the weights they move.
#pragma once

#include "core/bias_correction.hpp"
#include "core/measure.hpp"
#include "optimizers/adam.hpp"

namespace gs {

/// You et al. 2020, arXiv:1904.00962, algorithm 2, without its bounds on the norm of w and with decay apart, as Keras.
struct Lamb : Adam {
  static constexpr const char* name = "Lamb";
  static constexpr auto fields() { return extend<Lamb>(Adam::fields()); }
  static constexpr std::size_t sums = 2;  // squares of w, and of the direction
  static constexpr bool global_sums = false;
  static constexpr std::array<const char*, 0> scalars{};

  template <class Real> struct Measure {
    Adam::Update<Real> adam;
    HD void operator()(Real w, Real g, Real& m, Real& v, double& weights, double& directions) const {
      adam.remember(g, m, v);
      weights += square(w);
      directions += square(adam.along(m, v));
    }
  };
  template <class Real> HD Measure<Real> measure(std::int64_t t, const double*) const { return {along<Real>(t, 1)}; }

  template <class Real> struct Update {
    Adam::Update<Real> adam;
    HD void operator()(Real& w, Real, Real& m, Real& v) const { w -= adam.along(m, v); }
  };
  template <class Real> HD Update<Real> at(std::int64_t t, const double* sums, const double*) const {
    const double weight = std::sqrt(sums[0]), direction = std::sqrt(sums[1]);
    return {along<Real>(t, learning_rate * (weight > 0 && direction > 0 ? weight / direction : 1))};
  }

 private:
  /// Adam whose epsilon comes after the bias correction.
  template <class Real> HD Adam::Update<Real> along(std::int64_t t, double rate) const {
    const double correction = std::sqrt(bias_correction(beta_2, t));
    return {Real(1 - beta_1), Real(1 - beta_2), Real(rate * correction / bias_correction(beta_1, t)),
            Real(epsilon * correction)};
  }
};

}  // namespace gs
