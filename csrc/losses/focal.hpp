// Cross-entropies in which what is predicted well counts little. Lin et al. 2017, arXiv:1708.02002.
#pragma once

#include "core/math.hpp"
#include "losses/classification.hpp"
#include "losses/row.hpp"

namespace gs {

/// A term of OverRow: the binary cross-entropy times (1 - p)^gamma, p the probability of what is true.
struct BinaryFocalCrossentropy : BinaryCrossentropy {
  double apply_class_balancing = 0, alpha = 0.25, gamma = 2;

  static constexpr bool together = true;
  static constexpr const char* name = "binary_focal_crossentropy";
  static constexpr auto fields() {
    using Own = BinaryFocalCrossentropy;
    return std::array{
        Field<Own>{"apply_class_balancing", &Own::apply_class_balancing, "whether alpha counts: 0, 1", 0, 1, false,
                   false},
        Field<Own>{"alpha", &Own::alpha, "weight of class 1; class 0 has 1 - alpha", 0, 1, false, false},
        Field<Own>{"gamma", &Own::gamma, "how little counts what is predicted well", 0, inf},
    };
  }
  template <class Real> HD Real value(Real t, Real y) const {
    return weight(t) * power(lack(t, y), Real(gamma)) * BinaryCrossentropy::value(t, y);
  }
  template <class Real> HD Real derivative(Real t, Real y) const {
    const Real left = lack(t, y);
    const Real fading = Real(gamma) * power(left, Real(gamma - 1)) * (1 - 2 * t);
    return weight(t) *
           (fading * BinaryCrossentropy::value(t, y) + power(left, Real(gamma)) * BinaryCrossentropy::derivative(t, y));
  }

 private:
  template <class Real> HD static Real lack(Real t, Real y) { return t * (1 - y) + (1 - t) * y; }
  template <class Real> HD Real weight(Real t) const {
    const Real one = Real(apply_class_balancing != 0 ? alpha : 1);
    const Real zero = Real(apply_class_balancing != 0 ? 1 - alpha : 1);
    return t * one + (1 - t) * zero;
  }
};

/// The same of z, where y = sigmoid(z).
struct BinaryFocalCrossentropyOfLogits : BinaryFocalCrossentropy {
  template <class Real> HD Real value(Real t, Real z) const { return BinaryFocalCrossentropy::value(t, logistic(z)); }
  template <class Real> HD Real derivative(Real t, Real z) const {
    const Real y = logistic(z);
    return BinaryFocalCrossentropy::derivative(t, y) * y * (1 - y);
  }
};

/// -sum alpha (1 - p)^gamma t log(p), p = y divided by its sum along the row, and clipped.
struct CategoricalFocalCrossentropy : RowLoss {
  double alpha = 0.25, gamma = 2;

  static constexpr bool together = true;
  static constexpr const char* name = "categorical_focal_crossentropy";
  static constexpr auto fields() {
    using Own = CategoricalFocalCrossentropy;
    return std::array{
        Field<Own>{"alpha", &Own::alpha, "factor of the loss", 0, inf},
        Field<Own>{"gamma", &Own::gamma, "how little counts what is predicted well", 0, inf},
    };
  }
  template <class Real> HD static Real even(std::size_t n) { return 1 / Real(n); }
  template <class Real, class Target>
  HD Real row(const Target& t, const Real* y, std::size_t n, Real scale, Real* dy) const {
    const Real sum = sum_of(y, n);
    Real sums[fold_lanes] = {};
    in_sixteens(n, [&](std::size_t k, std::size_t count) INLINED {
      Real ts[fold_lanes], shares[fold_lanes], values[fold_lanes], slopes[fold_lanes];
      take(t, k, count, ts);
      take([&](std::size_t i) INLINED { return y[i] / sum; }, k, count, shares);
      terms(ts, shares, count, values, slopes);
      add_to_lanes(sums, values, count);
      if (dy) give(slopes, count, dy + k);
    });
    if (dy) {
      const Real pull = sum_over<Real>(n, [&](std::size_t k) INLINED { return dy[k] * y[k]; }) / sum;
      const Real share = scale / sum;
#pragma omp simd
      for (std::size_t k = 0; k < n; ++k) dy[k] = share * (dy[k] - pull);
    }
    return sum_of_lanes(sums, n);
  }

  template <class Real> HD Real value(Real t, Real y) const { return t * value(y); }
  template <class Real> HD Real derivative(Real t, Real y) const { return t * derivative(y); }

 protected:
  /// What sixteen shares add to the loss, and the derivatives of that by them.
  template <class Real>
  HD void terms(const Real* t, const Real* shares, std::size_t count, Real* values, Real* slopes) const {
    terms_of<CategoricalFocalCrossentropy, Real>(*this, t, shares, count, values, slopes);
  }
  /// -alpha (1 - p)^gamma log(p), p = y clipped.
  template <class Real> HD Real value(Real y) const {
    const Real p = clip(y);
    return -Real(alpha) * power(1 - p, Real(gamma)) * log(p);
  }
  template <class Real> HD Real derivative(Real y) const {
    const Real p = clip(y);
    const Real value = Real(gamma) * power(1 - p, Real(gamma - 1)) * log(p) - power(1 - p, Real(gamma)) / p;
    return is_clipped(y) ? Real(0) : Real(alpha) * value;
  }
};

/// The same of z, where y = softmax(z).
struct CategoricalFocalCrossentropyOfLogits : CategoricalFocalCrossentropy {
  template <class Real, class Target>
  HD Real row(const Target& t, const Real* z, std::size_t n, Real scale, Real* dz) const {
    const Real top = largest(z, n);
    const Real sum = sum_of_exps(z, top, n);
    Real sums[fold_lanes] = {};
    in_sixteens(n, [&](std::size_t k, std::size_t count) INLINED {
      Real ts[fold_lanes], shares[fold_lanes], values[fold_lanes], slopes[fold_lanes];
      take(t, k, count, ts);
      take(z + k, count, shares);
#pragma omp simd
      for (std::size_t l = 0; l < fold_lanes; ++l) shares[l] = exp_nonpositive(shares[l] - top) / sum;
      terms(ts, shares, count, values, slopes);
      add_to_lanes(sums, values, count);
      if (dz) give(shares, count, dz + k);
    });
    if (dz) gradient(t, n, scale, dz);
    return sum_of_lanes(sums, n);
  }

 private:
  // dz (n): p -> scale * gradient. Slopes are made twice, first to add them up: there is no room to keep them.
  template <class Real, class Target> HD void gradient(const Target& t, std::size_t n, Real scale, Real* dz) const {
    Real pull = 0;
    for (const bool adds : {true, false}) {
      Real sums[fold_lanes] = {};
      in_sixteens(n, [&](std::size_t k, std::size_t count) INLINED {
        Real ts[fold_lanes], shares[fold_lanes], values[fold_lanes], slopes[fold_lanes];
        take(t, k, count, ts);
        take<Real>(dz + k, count, shares);
        terms(ts, shares, count, values, slopes);
        if (adds) {
#pragma omp simd
          for (std::size_t l = 0; l < fold_lanes; ++l) slopes[l] *= shares[l];
          add_to_lanes(sums, slopes, count);
        } else {
#pragma omp simd
          for (std::size_t l = 0; l < fold_lanes; ++l) slopes[l] = scale * shares[l] * (slopes[l] - pull);
          give(slopes, count, dz + k);
        }
      });
      if (adds) pull = sum_of_lanes(sums, n);
    }
  }
};

}  // namespace gs
