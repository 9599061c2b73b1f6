// Cross-entropies, of probabilities (clipped to [epsilon, 1 - epsilon], as Keras does) and of logits.
#pragma once

#include <cstddef>

#include "core/math.hpp"
#include "losses/row.hpp"

namespace gs {

template <class Real> HD bool is_clipped(Real y) { return int(y < Real(epsilon)) | int(y > Real(1 - epsilon)); }
template <class Real> HD Real clip(Real y) { return smaller(larger(y, Real(epsilon)), Real(1 - epsilon)); }

/// A loss whose targets are pulled towards even(n): t (1 - label_smoothing) + label_smoothing even(n). shortcut: with a
/// loop of its own where nothing is to be smoothed.
template <class Form, bool shortcut = false> struct Smooth : Form {
  double label_smoothing = 0;

  static constexpr auto fields() {
    return extend<Smooth>(Form::fields(), Field<Smooth>{"label_smoothing", &Smooth::label_smoothing,
                                                        "share of the targets that is spread out", 0, 1, false, false});
  }
  template <class Real, class Target>
  HD Real row(const Target& t, const Real* y, std::size_t n, Real scale, Real* dy) const {
    if (shortcut && label_smoothing == 0) return Form::row(t, y, n, scale, dy);
    const Real share = Real(label_smoothing);
    return Form::row(Affine<Real, Target>{t, 1 - share, share * Form::template even<Real>(n)}, y, n, scale, dy);
  }
  template <class Real, class Targets>
  HD void short_rows(const Targets& t, const Real* y, std::size_t rows, std::size_t n, const double* scales,
                     double* values, Real* dy) const {
    const Real share = Real(label_smoothing), even = share * Form::template even<Real>(n);
    const auto smoothed = [&](std::size_t i) INLINED { return Affine<Real, decltype(t(i))>{t(i), 1 - share, even}; };
    Form::short_rows(smoothed, y, rows, n, scales, values, dy);
  }
};

/// A term of OverRow; t in [0, 1].
struct BinaryCrossentropy : RowLoss {
  static constexpr const char* name = "binary_crossentropy";
  template <class Real> HD static Real even(std::size_t) { return Real(0.5); }
  template <class Real> HD Real value(Real t, Real y) const {
    const Real p = clip(y);
    return -(t * log(p) + (1 - t) * log(1 - p));
  }
  template <class Real> HD Real derivative(Real t, Real y) const {
    const Real p = clip(y);
    return is_clipped(y) ? Real(0) : (p - t) / (p * (1 - p));
  }
};

/// The same of z, where y = sigmoid(z).
struct BinaryCrossentropyOfLogits : BinaryCrossentropy {
  static constexpr bool together = true;  // e^-|z|
  // softplus(z) - t z without the difference of two large numbers; what is not true to any share counts for nothing,
  // also where it is infinite.
  template <class Real> HD Real value(Real t, Real z) const {
    const Real size = magnitude(z), wrong = z > 0 ? 1 - t : t;
    return (wrong == 0 ? Real(0) : wrong * size) + log1p(exp_nonpositive(-size));
  }
  template <class Real> HD Real derivative(Real t, Real z) const { return logistic(z) - t; }
};

/// -sum t log(y), y divided by its sum along the row. Target: operator()(k), the share of class k.
struct CategoricalCrossentropy : RowLoss {
  static constexpr const char* name = "categorical_crossentropy";
  template <class Real> HD static Real even(std::size_t n) { return 1 / Real(n); }
  template <class Real, class Target>
  HD Real row(const Target& t, const Real* y, std::size_t n, Real scale, Real* dy) const {
    const Real sum = sum_of(y, n);
    Real loss = 0, pull = 0;
    in_sixteens(n, [&](std::size_t k, std::size_t count) INLINED {
      Real ts[fold_lanes], ys[fold_lanes];
      take(t, k, count, ts);
      take(y + k, count, ys);
#pragma omp simd
      for (std::size_t l = 0; l < fold_lanes; ++l) {
        const Real p = ys[l] / sum;
        ys[l] = ts[l] * log(clip(p));
        ts[l] = is_clipped(p) ? Real(0) : ts[l];
      }
#pragma GCC unroll 1
      for (std::size_t l = 0; l < count; ++l) {
        loss -= ys[l];
        pull += ts[l];
      }
    });
    if (dy) {
#pragma omp simd
      for (std::size_t k = 0; k < n; ++k) {
        const Real p = y[k] / sum;
        dy[k] = scale * (pull - (is_clipped(p) ? Real(0) : t(k) / p)) / sum;
      }
    }
    return loss;
  }
};

/// The same of z, where y = softmax(z).
struct CategoricalCrossentropyOfLogits : CategoricalCrossentropy {
  template <class Real, class Target>
  HD Real row(const Target& t, const Real* z, std::size_t n, Real scale, Real* dz) const {
    const Real top = largest(z, n);
    if (dz) exps_of(z, top, n, dz);
    const Real sum = dz ? sum_of(dz, n) : sum_of_exps(z, top, n);
    const Real rest = log(sum);
    // Not of a class without a share: its logit may be -infinity.
    const Real loss = weighted_sum<Real>(t, n, [=](std::size_t k) INLINED { return rest - (z[k] - top); });
    const Real weight = weighted_sum<Real>(t, n, [](std::size_t) INLINED { return Real(1); });
    if (dz) {
      const Real share = weight / sum;
#pragma omp simd
      for (std::size_t k = 0; k < n; ++k) dz[k] = scale * (share * dz[k] - t(k));
    }
    return loss;
  }
};

/// A loss of class labels, of which one may not count.
template <class Form> struct Sparse : Form {
  double ignore_class = 0.5;  // by itself none: labels are whole

  static constexpr const char* name = "sparse_categorical_crossentropy";
  static constexpr auto fields() {
    return std::array{
        Field<Sparse>{"ignore_class", &Sparse::ignore_class, "the label of rows that do not count", -inf, inf}};
  }
  template <class Real> HD Real row(const Label<Real>& t, const Real* y, std::size_t n, Real scale, Real* dy) const {
    if (double(t.label) != ignore_class) return Form::row(t, y, n, scale, dy);
    for (std::size_t k = 0; dy && k < n; ++k) dy[k] = 0;
    return 0;
  }
};

/// (1 - p^q) / q of the probability p of the label: between cross-entropy (q = 0) and absolute error (q = 1). Zhang &
/// Sabuncu 2018, arXiv:1805.07836.
struct CategoricalGeneralizedCrossEntropy : RowLoss {
  double q = 0.5;

  static constexpr const char* name = "categorical_generalized_cross_entropy";
  static constexpr auto fields() {
    using Own = CategoricalGeneralizedCrossEntropy;
    return std::array{Field<Own>{"q", &Own::q, "how little the rows that fit badly count", 0, 1, true}};
  }
  template <class Real> HD Real row(const Label<Real>& t, const Real* y, std::size_t n, Real scale, Real* dy) const {
    for (std::size_t k = 0; dy && k < n; ++k) dy[k] = 0;
    if (std::uint64_t(t.label) >= n) return 0;  // no class: another wrote it there after it was checked
    const Real p = y[t.label];
    if (dy) dy[t.label] = -scale * power(p, Real(q - 1));
    return (1 - power(p, Real(q))) / Real(q);
  }
};

}  // namespace gs
