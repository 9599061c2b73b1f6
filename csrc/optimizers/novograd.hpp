// NovoGrad: momentum over gradients that are normalised parameter by parameter.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

#include "core/describe.hpp"
#include "core/measure.hpp"

namespace gs {

/// Ginsburg et al. 2019, arXiv:1905.11286, algorithm 1.
struct NovoGrad {
  double learning_rate = 0.01, beta_1 = 0.95, beta_2 = 0.98, epsilon = 1e-8, weight_decay = 0;

  static constexpr const char* name = "NovoGrad";
  static constexpr std::array slots{"m"};
  static constexpr auto fields() {
    return std::array{
        Field<NovoGrad>{"learning_rate", &NovoGrad::learning_rate, "step size", 0, inf},
        Field<NovoGrad>{"beta_1", &NovoGrad::beta_1, "share of m kept", 0, 1, false, true},
        Field<NovoGrad>{"beta_2", &NovoGrad::beta_2, "share of v kept", 0, 1, false, true},
        Field<NovoGrad>{"epsilon", &NovoGrad::epsilon, "added to the root of v", 0, inf},
        Field<NovoGrad>{"weight_decay", &NovoGrad::weight_decay, "share of a weight that joins its gradient", 0, inf},
    };
  }
  static constexpr std::size_t sums = 1;  // squares of g
  static constexpr bool global_sums = false;
  static constexpr std::array scalars{"v"};

  template <class Real> struct Measure {
    HD void operator()(Real, Real g, double& gradients) const { gradients += square(g); }
  };
  template <class Real> HD Measure<Real> measure(std::int64_t, const double*) const { return {}; }

  template <class Real> struct Update {
    Real beta_1, share, decay, rate;
    HD void operator()(Real& w, Real g, Real& m) const {
      m = beta_1 * m + (share * g + decay * w);
      w -= rate * m;
    }
  };
  template <class Real> HD Update<Real> at(std::int64_t, const double* sums, const double* scalars) const {
    double v = *scalars;
    advance(sums, &v);
    return {Real(beta_1), Real(1 / (std::sqrt(v) + epsilon)), Real(weight_decay), Real(learning_rate)};
  }
  HD void advance(const double* sums, double* v) const {
    *v = *v == 0 ? *sums : beta_2 * *v + (1 - beta_2) * *sums;  // begins with the first gradient that is not 0
  }
};

}  // namespace gs
