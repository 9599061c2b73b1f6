// Lars: momentum with steps as long as a share of the weights they move.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

#include "core/describe.hpp"
#include "core/measure.hpp"

namespace gs {

/// You, Gitman & Ginsburg 2017, arXiv:1708.03888, algorithm 1.
struct Lars {
  double learning_rate = 1, momentum = 0.9, weight_decay = 0.0005, trust_coefficient = 0.001;

  static constexpr const char* name = "Lars";
  static constexpr std::array slots{"velocity"};
  static constexpr auto fields() {
    return std::array{
        Field<Lars>{"learning_rate", &Lars::learning_rate, "step size", 0, inf},
        Field<Lars>{"momentum", &Lars::momentum, "share of the velocity kept", 0, 1, false, false},
        Field<Lars>{"weight_decay", &Lars::weight_decay, "share of a weight that joins its gradient", 0, inf},
        Field<Lars>{"trust_coefficient", &Lars::trust_coefficient, "share of the weights' norm that a step has", 0,
                    inf},
    };
  }
  static constexpr std::size_t sums = 2;  // squares of w, and of g
  static constexpr bool global_sums = false;
  static constexpr std::array<const char*, 0> scalars{};

  template <class Real> struct Measure {
    HD void operator()(Real w, Real g, double& weights, double& gradients) const {
      weights += square(w);
      gradients += square(g);
    }
  };
  template <class Real> HD Measure<Real> measure(std::int64_t, const double*) const { return {}; }

  template <class Real> struct Update {
    Real momentum, rate, decay;
    HD void operator()(Real& w, Real g, Real& velocity) const {
      velocity = momentum * velocity + rate * (g + decay * w);
      w -= velocity;
    }
  };
  template <class Real> HD Update<Real> at(std::int64_t, const double* sums, const double*) const {
    const double w = std::sqrt(sums[0]), g = std::sqrt(sums[1]);
    const double local = w > 0 && g > 0 ? trust_coefficient * w / (g + weight_decay * w) : 1;
    return {Real(momentum), Real(learning_rate * local), Real(weight_decay)};
  }
};

}  // namespace gs
