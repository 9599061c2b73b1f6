// Cross-entropies, of probabilities (clipped to [epsilon, 1 - epsilon], as Keras does) and of logits.
#pragma once

#include <cstddef>

#include "core/math.hpp"

namespace gs {

inline constexpr double clip_epsilon = 1e-7;

template <class Real> HD bool is_clipped(Real y) { return y < Real(clip_epsilon) || y > Real(1 - clip_epsilon); }
template <class Real> HD Real clip(Real y) { return smaller(larger(y, Real(clip_epsilon)), Real(1 - clip_epsilon)); }

/// A mean over the row, as the losses of regression.hpp. t in [0, 1].
struct BinaryCrossentropy {
  static constexpr const char* name = "binary_crossentropy";
  template <class Real> HD static Real value(Real t, Real y) {
    const Real p = clip(y);
    return -(t * log(p) + (1 - t) * log(1 - p));
  }
  template <class Real> HD static Real slope(Real t, Real y) {
    const Real p = clip(y);
    return is_clipped(y) ? Real(0) : (p - t) / (p * (1 - p));
  }
};

/// The same of z, where y = sigmoid(z).
struct BinaryCrossentropyOfLogits {
  static constexpr const char* name = BinaryCrossentropy::name;
  template <class Real> HD static Real value(Real t, Real z) { return softplus(z) - t * z; }
  template <class Real> HD static Real slope(Real t, Real z) { return logistic(z) - t; }
};

/// -sum t log(y), y divided by its sum along the row. Target: operator()(k), the share of class k.
struct CategoricalCrossentropy {
  static constexpr const char* name = "categorical_crossentropy";
  // t, y (n) -> the loss; if dy is not null, dy (n) = scale * slope
  template <class Real, class Target>
  HD static Real row(const Target& t, const Real* y, std::size_t n, Real scale, Real* dy) {
    Real sum = 0, loss = 0, pull = 0;
    for (std::size_t k = 0; k < n; ++k) sum += y[k];
    for (std::size_t k = 0; k < n; ++k) {
      const Real p = y[k] / sum;
      loss -= t(k) * log(clip(p));
      pull += is_clipped(p) ? Real(0) : t(k);
    }
    if (dy)
      for (std::size_t k = 0; k < n; ++k) {
        const Real p = y[k] / sum;
        dy[k] = scale * (pull - (is_clipped(p) ? Real(0) : t(k) / p)) / sum;
      }
    return loss;
  }
};

/// The same of z, where y = softmax(z).
struct CategoricalCrossentropyOfLogits {
  static constexpr const char* name = CategoricalCrossentropy::name;
  template <class Real, class Target>
  HD static Real row(const Target& t, const Real* z, std::size_t n, Real scale, Real* dz) {
    Real top = z[0], sum = 0, loss = 0, weight = 0;
    for (std::size_t k = 1; k < n; ++k) top = larger(top, z[k]);
    if (dz) {
#pragma omp simd
      for (std::size_t k = 0; k < n; ++k) dz[k] = exp(z[k] - top);
      for (std::size_t k = 0; k < n; ++k) sum += dz[k];
    } else {
      for (std::size_t k = 0; k < n; ++k) sum += exp(z[k] - top);
    }
    const Real whole = top + log(sum);
    for (std::size_t k = 0; k < n; ++k) {
      loss += t(k) * (whole - z[k]);
      weight += t(k);
    }
    if (dz) {
      const Real share = weight / sum;
#pragma omp simd
      for (std::size_t k = 0; k < n; ++k) dz[k] = scale * (share * dz[k] - t(k));
    }
    return loss;
  }
};

}  // namespace gs
