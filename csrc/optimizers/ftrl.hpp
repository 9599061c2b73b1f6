// Ftrl: follow the regularized leader, with a rate per weight and weights of exactly 0.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "core/describe.hpp"
#include "core/math.hpp"

namespace gs {

/// McMahan et al. 2013, doi:10.1145/2487575.2488200, algorithm 1; shrinkage and the meaning of l2 as in Keras.
struct Ftrl {
  double learning_rate = 0.001, initial_accumulator_value = 0.1, l1_regularization_strength = 0,
         l2_regularization_strength = 0, l2_shrinkage_regularization_strength = 0, beta = 0;

  static constexpr const char* name = "Ftrl";
  static constexpr std::array slots{"accumulator", "linear"};
  static constexpr unsigned unsigned_slots = 0b1;
  static constexpr auto fields() {
    return std::array{
        Field<Ftrl>{"learning_rate", &Ftrl::learning_rate, "step size", 0, inf, true, true},
        Field<Ftrl>{"initial_accumulator_value", &Ftrl::initial_accumulator_value,
                    "value of the accumulator before the first step", 0, inf},
        Field<Ftrl>{"l1_regularization_strength", &Ftrl::l1_regularization_strength,
                    "half the width of the band of z in which w is 0", 0, inf},
        Field<Ftrl>{"l2_regularization_strength", &Ftrl::l2_regularization_strength,
                    "half of what is added to the curvature", 0, inf},
        Field<Ftrl>{"l2_shrinkage_regularization_strength", &Ftrl::l2_shrinkage_regularization_strength,
                    "half the share of w that is added to the gradient", 0, inf},
        Field<Ftrl>{"beta", &Ftrl::beta, "added to the power of the accumulator", 0, inf},
    };
  }
  double start(std::size_t slot) const { return slot == 0 ? initial_accumulator_value : 0; }

  template <class Real> struct Update {
    Real inverse_rate, l1, curvature, shrinkage;
    HD void operator()(Real& w, Real g, Real& accumulator, Real& linear) const {
      const Real sum = accumulator + g * g;
      move(w, g, root(accumulator), root(sum), linear);
      accumulator = sum;
    }
    /// before, after: the accumulator's power around this step.
    HD void move(Real& w, Real g, Real before, Real after, Real& linear) const {
      linear += g + shrinkage * w - (after - before) * inverse_rate * w;
      const Real outside = at_most(at_least(linear, -l1), l1) - linear;
      // Without any gradient yet 0 / 0 would make NaN of a weight that the paper leaves at 0.
      constexpr Real smallest = std::numeric_limits<Real>::min();
      w = outside / at_least(after * inverse_rate + curvature, smallest);
    }
  };
  template <class Real> Update<Real> at(std::int64_t) const {
    return {Real(1 / learning_rate), Real(l1_regularization_strength),
            Real(2 * l2_regularization_strength + beta / learning_rate),
            Real(2 * l2_shrinkage_regularization_strength)};
  }
};

/// Ftrl with another power of the accumulator than its root.
struct FtrlPower : Ftrl {
  double learning_rate_power = -1;

  static constexpr const char* name = "FtrlPower";
  static constexpr auto fields() {
    return extend<FtrlPower>(Ftrl::fields(),
                             Field<FtrlPower>{"learning_rate_power", &FtrlPower::learning_rate_power,
                                              "minus the power of the accumulator in the rate", -inf, 0, true, false});
  }

  template <class Real> struct Update {
    Ftrl::Update<Real> ftrl;
    Real exponent;
    HD void operator()(Real& w, Real g, Real& accumulator, Real& linear) const {
      const Real sum = accumulator + g * g;
      ftrl.move(w, g, power(accumulator, exponent), power(sum, exponent), linear);
      accumulator = sum;
    }
  };
  template <class Real> Update<Real> at(std::int64_t t) const {
    return {Ftrl::at<Real>(t), Real(-learning_rate_power)};
  }
};

}  // namespace gs
