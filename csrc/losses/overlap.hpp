// Losses of how much of two sets is common to both: of sums of t, of y and of t y, over a row or over the whole batch.
#pragma once

#include "core/math.hpp"
#include "losses/row.hpp"

namespace gs {

struct Sums {
  double both = 0, t = 0, y = 0;
};

/// A loss of Sums, and its derivatives.
struct OfSums {
  double value, by_both, by_y;
};

/// Milletari, Navab & Ahmadi 2016, arXiv:1606.04797.
struct Dice : RowLoss {
  static constexpr const char* name = "dice";
  static constexpr const char* name_of_rows = "dice_of_rows";
  HD OfSums of(const Sums& s) const {
    const double all = s.t + s.y + epsilon, share = 2 * s.both / all;
    return {1 - share, -2 / all, share / all};
  }
};

/// Salehi, Erdogmus & Gholipour 2017, arXiv:1706.05721.
struct Tversky : RowLoss {
  double alpha = 0.5, beta = 0.5;

  static constexpr const char* name = "tversky";
  static constexpr const char* name_of_rows = "tversky_of_rows";
  static constexpr auto fields() {
    return std::array{Field<Tversky>{"alpha", &Tversky::alpha, "weight of what is in t alone", 0, inf},
                      Field<Tversky>{"beta", &Tversky::beta, "weight of what is in y alone", 0, inf}};
  }
  HD OfSums of(const Sums& s) const {
    const double all = s.both + alpha * (s.t - s.both) + beta * (s.y - s.both) + epsilon, share = s.both / all;
    return {1 - share, (share * (1 - alpha - beta) - 1) / all, share * beta / all};
  }
};

template <class Real, class Target> HD void add(Sums& sums, const Target& t, const Real* y, std::size_t n) {
  sums.both += sum_over<double>(n, [&](std::size_t k) INLINED { return double(t(k)) * double(y[k]); });
  sums.t += sum_over<double>(n, [&](std::size_t k) INLINED { return double(t(k)); });
  sums.y += sum_over<double>(n, [&](std::size_t k) INLINED { return double(y[k]); });
}

// dy (n) = scale * gradient
template <class Real, class Target>
HD void gradient(const OfSums& loss, double scale, const Target& t, Real* dy, std::size_t n) {
  const Real by_both = Real(scale * loss.by_both), by_y = Real(scale * loss.by_y);
#pragma omp simd
  for (std::size_t k = 0; k < n; ++k) dy[k] = by_both * t(k) + by_y;
}

template <class Form> struct OverlapOfRow : Form {
  static constexpr const char* name = Form::name_of_rows;
  template <class Real, class Target>
  HD double row(const Target& t, const Real* y, std::size_t n, Real scale, Real* dy) const {
    Sums sums;
    add(sums, t, y, n);
    const OfSums loss = Form::of(sums);
    if (dy) gradient(loss, double(scale), t, dy, n);
    return loss.value;
  }
};

template <class Form> struct OverlapOfBatch : Form {
  static constexpr bool whole_batch = true, one_value = true;
  template <class Targets, class Real>
  HD void batch(const Targets& targets, const Real* y, std::size_t rows, std::size_t n, const double* scales,
                double* values, Real* dy) const {
    Sums sums;
    double scale = 0;
    for (std::size_t i = 0; i < rows; ++i) {
      add(sums, targets(i), y + i * n, n);
      scale += scales[i];
    }
    const OfSums loss = Form::of(sums);
    for (std::size_t i = 0; i < rows; ++i) {
      values[i] = loss.value;
      if (dy) gradient(loss, scale, targets(i), dy + i * n, n);
    }
  }
};

}  // namespace gs
