// Losses of rows that are points: those of one class should be near each other.
#pragma once

#include "core/math.hpp"
#include "losses/row.hpp"

namespace gs {

namespace {

/// Called, not inlined: each of them stands in several places.
template <class Real> HD_CALLED Real exp_of(Real x) { return exp(x); }
template <class Real> HD_CALLED Real log_of(Real x) { return log(x); }

}  // namespace

/// log(sum of e^x) of numbers that come one by one.
struct LogSum {
  double top = -inf, sum = 0;
  HD void add(double x) {
    if (x > top) {
      sum = sum * exp_of(top - x) + 1;
      top = x;
    } else {
      sum += exp_of(x - top);
    }
  }
  HD double value() const { return top + log_of(sum); }
};

/// Sun et al. 2020, arXiv:2002.10857, over all pairs of a batch: y are of length 1, and 1 - their product the distance.
struct Circle : RowLoss {
  double gamma = 80, margin = 0.4, remove_diagonal = 1;

  static constexpr bool whole_batch = true, only_positive = true;
  static constexpr const char* name = "circle";
  static constexpr auto fields() {
    return std::array{
        Field<Circle>{"gamma", &Circle::gamma, "scale of the distances", 0, inf},
        Field<Circle>{"margin", &Circle::margin, "how far apart pairs should be", -inf, inf, true},
        Field<Circle>{"remove_diagonal", &Circle::remove_diagonal, "whether a row is no pair with itself: 0, 1", 0, 1,
                      false, false},
    };
  }

  // Sums in double: gamma makes much of little.
  template <class Targets, class Real>
  HD void batch(const Targets& targets, const Real* y, std::size_t rows, std::size_t n, const double* scales,
                double* values, Real* dy) const {
    for (std::size_t i = 0; dy && i < rows * n; ++i) dy[i] = 0;
    for (std::size_t i = 0; i < rows; ++i) {
      LogSum alike, apart;
      for (std::size_t j = 0; j < rows; ++j) {
        if (i == j && remove_diagonal != 0) continue;
        const bool same = targets(i).label == targets(j).label;
        (same ? alike : apart).add(pair(same, product(y + i * n, y + j * n, n)).value);
      }
      const double together = alike.value() + apart.value();
      values[i] = softplus(together);
      if (!dy || !(values[i] != 0)) continue;
      for (std::size_t j = 0; j < rows; ++j) {
        if (i == j && remove_diagonal != 0) continue;
        const bool same = targets(i).label == targets(j).label;
        const Pair of = pair(same, product(y + i * n, y + j * n, n));
        const double share = exp_of(of.value - (same ? alike : apart).value());
        const Real pull = Real(scales[i] * logistic(together) * share * of.derivative);
        for (std::size_t k = 0; k < n; ++k) {
          dy[i * n + k] += pull * y[j * n + k];
          dy[j * n + k] += pull * y[i * n + k];
        }
      }
    }
  }

 private:
  template <class Real> HD static double product(const Real* a, const Real* b, std::size_t n) {
    return sum_over<double>(n, [&](std::size_t k) INLINED { return double(a[k]) * double(b[k]); });
  }

  /// What a pair adds to its logarithm of a sum, and the derivative of that by the product of the two.
  struct Pair {
    double value, derivative;
  };
  HD Pair pair(bool same, double product) const {
    const double far = larger(1 - product, 0.0);
    const double turn = product < 1 ? -gamma : 0;  // of gamma far
    if (same) {
      const double weight = larger(margin + far, 0.0), inside = margin - far;
      return {-gamma * weight * inside, turn * (weight - (weight > 0 ? inside : 0))};
    }
    const double weight = larger(1 + margin - far, 0.0), inside = 1 - margin - far;
    return {gamma * weight * inside, turn * (-weight - (weight > 0 ? inside : 0))};
  }
};

}  // namespace gs
