// Losses of numbers: a term for each element, value(t, y) and derivative(t, y) = d value / d y, for OverRow.
#pragma once

#include "core/math.hpp"
#include "losses/row.hpp"

namespace gs {

struct MeanSquaredError : RowLoss {
  static constexpr const char* name = "mean_squared_error";
  static constexpr bool is_cheap = true;
  template <class Real> HD Real value(Real t, Real y) const { return (y - t) * (y - t); }
  template <class Real> HD Real derivative(Real t, Real y) const { return 2 * (y - t); }
};

struct MeanAbsoluteError : RowLoss {
  static constexpr const char* name = "mean_absolute_error";
  static constexpr bool is_cheap = true;
  template <class Real> HD Real value(Real t, Real y) const { return magnitude(y - t); }
  template <class Real> HD Real derivative(Real t, Real y) const { return sign(y - t); }
};

struct MeanAbsolutePercentageError : RowLoss {
  static constexpr const char* name = "mean_absolute_percentage_error";
  static constexpr bool is_cheap = true;
  template <class Real> HD Real value(Real t, Real y) const { return magnitude(y - t) * percent(t); }
  template <class Real> HD Real derivative(Real t, Real y) const { return sign(y - t) * percent(t); }

 private:
  template <class Real> HD static Real percent(Real t) { return 100 / at_least(magnitude(t), Real(epsilon)); }
};

struct MeanSquaredLogarithmicError : RowLoss {
  static constexpr const char* name = "mean_squared_logarithmic_error";
  template <class Real> HD Real value(Real t, Real y) const { return distance(t, y) * distance(t, y); }
  template <class Real> HD Real derivative(Real t, Real y) const {
    return y < Real(epsilon) ? Real(0) : 2 * distance(t, y) / (y + 1);
  }

 private:
  template <class Real> HD static Real distance(Real t, Real y) {
    return log1p(at_least(y, Real(epsilon))) - log1p(at_least(t, Real(epsilon)));
  }
};

/// Huber 1964, Annals of Mathematical Statistics 35: a square up to delta from 0, a line beyond.
struct Huber : RowLoss {
  double delta = 1;

  static constexpr const char* name = "huber";
  static constexpr bool is_cheap = true;
  static constexpr auto fields() {
    return std::array{Field<Huber>{"delta", &Huber::delta, "where the square becomes a line", 0, inf, true}};
  }
  template <class Real> HD Real value(Real t, Real y) const {
    const Real far = magnitude(y - t), near = at_most(far, Real(delta));
    return near * (far - near / 2);
  }
  template <class Real> HD Real derivative(Real t, Real y) const {
    return at_most(at_least(y - t, -Real(delta)), Real(delta));
  }
};

/// log(cosh(y - t)).
struct LogCosh : RowLoss {
  static constexpr const char* name = "log_cosh";
  // cosh x - 1 = u^2 / (2 + 2u) with u = e^x - 1, which keeps small x; from 20 on the other half of cosh is nothing.
  template <class Real> HD Real value(Real t, Real y) const {
    const Real far = magnitude(y - t), u = expm1(at_most(far, Real(20)));
    return far > 20 ? far - Real(0.69314718055994530942) : log1p(u * u / (2 + 2 * u));
  }
  template <class Real> HD Real derivative(Real t, Real y) const { return tanh(y - t); }
};

/// The negative logarithm of a Poisson distribution of mean y, but for what only t is in.
struct Poisson : RowLoss {
  static constexpr const char* name = "poisson";
  template <class Real> HD Real value(Real t, Real y) const { return y - t * log(y + Real(epsilon)); }
  template <class Real> HD Real derivative(Real t, Real y) const { return 1 - t / (y + Real(epsilon)); }
};

/// Koenker & Bassett 1978, Econometrica 46: least for the q-quantile of t.
struct Quantile : RowLoss {
  double q = 0.5;

  static constexpr const char* name = "quantile";
  static constexpr bool is_cheap = true;
  static constexpr auto fields() {
    return std::array{Field<Quantile>{"q", &Quantile::q, "share of targets below the prediction", 0, 1, true}};
  }
  template <class Real> HD Real value(Real t, Real y) const { return larger(Real(q) * (t - y), Real(q - 1) * (t - y)); }
  template <class Real> HD Real derivative(Real t, Real y) const {
    const Real over = y - t;
    return over > 0 ? Real(1 - q) : over < 0 ? -Real(q) : over;
  }
};

/// Minus the cosine of the angle between t and y.
struct CosineSimilarity : RowLoss {
  static constexpr const char* name = "cosine_similarity";
  template <class Real, class Target>
  HD Real row(const Target& t, const Real* y, std::size_t n, Real scale, Real* dy) const {
    // Rows whose squares overflow are made smaller first: their length does not count.
    constexpr Real most = std::numeric_limits<Real>::max(), shrunk = sizeof(Real) == 4 ? Real(0x1p-80) : Real(0x1p-600);
    Real by_t = 1, by_y = 1;
    Real square_t = sum_over<Real>(n, [&](std::size_t k) INLINED { return t(k) * t(k); });
    Real square_y = sum_over<Real>(n, [&](std::size_t k) INLINED { return y[k] * y[k]; });
    if (square_t > most) {
      by_t = shrunk;
      square_t = sum_over<Real>(n, [&](std::size_t k) INLINED { return (t(k) * by_t) * (t(k) * by_t); });
    }
    if (square_y > most) {
      by_y = shrunk;
      square_y = sum_over<Real>(n, [&](std::size_t k) INLINED { return (y[k] * by_y) * (y[k] * by_y); });
    }
    const Real both = sum_over<Real>(n, [&](std::size_t k) INLINED { return (t(k) * by_t) * (y[k] * by_y); });
    const Real of_t = inverse(square_t), of_y = inverse(square_y), size = of_t * of_y;
    if (dy) {
      // A y shorter than epsilon is divided by epsilon: then its length has no gradient.
      const Real along = of_y < Real(1 / epsilon) ? both * of_y * of_y : Real(0);
#pragma omp simd
      for (std::size_t k = 0; k < n; ++k) dy[k] = scale * size * (along * (y[k] * by_y) - t(k) * by_t) * by_y;
    }
    return -both * size;
  }

 private:
  /// 1 over the length whose square this is.
  template <class Real> HD static Real inverse(Real square) { return at_most(1 / root(square), Real(1 / epsilon)); }
};

}  // namespace gs
