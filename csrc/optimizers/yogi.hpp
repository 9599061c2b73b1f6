// Yogi: Adam whose second moment moves by a size of its own, whatever its distance.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "core/bias_correction.hpp"
#include "core/describe.hpp"
#include "core/math.hpp"

namespace gs {

/// Zaheer et al. 2018, "Adaptive Methods for Nonconvex Optimization", algorithm 2, with Adam's bias correction.
struct Yogi {
  double learning_rate = 0.01, beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-3, initial_accumulator_value = 1e-6;

  static constexpr const char* name = "Yogi";
  static constexpr std::array slots{"m", "v"};
  static constexpr unsigned unsigned_slots = 0b10;
  static constexpr auto fields() {
    return std::array{
        Field<Yogi>{"learning_rate", &Yogi::learning_rate, "step size", 0, inf},
        Field<Yogi>{"beta_1", &Yogi::beta_1, "share of m kept", 0, 1, false, true},
        Field<Yogi>{"beta_2", &Yogi::beta_2, "1 less the share of the squared gradient by which v moves", 0, 1, false,
                    true},
        Field<Yogi>{"epsilon", &Yogi::epsilon, "added to the root of v, before the bias correction", 0, inf},
        Field<Yogi>{"initial_accumulator_value", &Yogi::initial_accumulator_value, "value of v before the first step",
                    0, inf},
    };
  }
  double start(std::size_t slot) const { return slot == 1 ? initial_accumulator_value : 0; }

  template <class Real> struct Update {
    Real take_1, take_2, step, epsilon;
    HD void operator()(Real& w, Real g, Real& m, Real& v) const {
      m += take_1 * (g - m);
      const Real square = g * g;
      v -= take_2 * sign(bounded(v) - square) * square;
      w -= step * m / (root(v) + epsilon);
    }
  };
  template <class Real> Update<Real> at(std::int64_t t) const {
    const double step = learning_rate * std::sqrt(bias_correction(beta_2, t)) / bias_correction(beta_1, t);
    return {Real(1 - beta_1), Real(1 - beta_2), Real(step), Real(epsilon)};
  }
};

}  // namespace gs
