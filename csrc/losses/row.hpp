// What a loss or metric sees of one row: its targets; sums over a row; and what a loss says of itself.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/describe.hpp"
#include "core/folds.hpp"
#include "core/portable.hpp"

namespace gs {

/// Keras's: what keeps logarithms and quotients finite.
inline constexpr double epsilon = 1e-7;

/// Targets given as numbers: t (n).
template <class Real> struct Values {
  const Real* t;
  HD Real operator()(std::size_t k) const { return t[k]; }
};

/// A class label seen as the row of n numbers that is 1 at the label and 0 elsewhere.
template <class Real> struct Label {
  std::int64_t label;
  HD Real operator()(std::size_t k) const { return std::int64_t(k) == label ? Real(1) : Real(0); }
};

/// The sum of t(k) term(k) over k < n. A class that is not true to any share counts for nothing, whatever its term.
template <class Real, class Target, class Term> HD Real weighted_sum(const Target& t, std::size_t n, const Term& term) {
  return sum_over<Real>(n, [&](std::size_t k) INLINED { return t(k) == 0 ? Real(0) : t(k) * term(k); });
}
template <class Real, class Term> HD Real weighted_sum(const Label<Real>& t, std::size_t n, const Term& term) {
  return std::uint64_t(t.label) < n ? term(std::size_t(t.label)) : Real(0);
}

/// Targets moved: factor t + offset.
template <class Real, class Target> struct Affine {
  Target t;
  Real factor, offset;
  HD Real operator()(std::size_t k) const { return factor * t(k) + offset; }
};

/// What a loss says of itself, and where it hides nothing of this: a loss without settings, that sees a row at a time.
///   row(t, y, n, scale, dy): targets t(k), y (n) -> the loss; unless dy is null, dy (n) = scale * gradient
///   batch(targets, y, rows, n, scales, values, dy), in place of row, of a loss that sees the whole batch: targets(i)
///     are those of row i; y, dy (rows, n); scales, values (rows)
struct RowLoss {
  static constexpr bool whole_batch = false;
  static constexpr bool one_value = false;      // the batch has one loss, which stands in every row
  static constexpr bool only_positive = false;  // rows whose loss is 0 do not count in a mean
  static constexpr bool is_cheap = false;       // a term of a few operations
  static constexpr bool together = false;       // a term whose value and derivative share most of their operations
  static constexpr bool joins_rows = false;     // with short_rows(), for rows of fewer numbers than `few`
  static constexpr auto fields() { return std::array<Field<RowLoss>, 0>{}; }
};

/// Rows of fewer numbers share a vector.
inline constexpr std::size_t few = 4;

namespace {

/// Of sixteen numbers, of which `count` are there: values, and slopes unless that is null. A function by itself, which
/// all loops of a loss call: an elementary function is a hundred instructions.
template <class Term, class Real>
HD_CALLED void terms_of(const Term& term, const Real* RESTRICT t, const Real* RESTRICT y, std::size_t count,
                        Real* RESTRICT values, Real* RESTRICT slopes) {
  const std::size_t lanes = lanes_for(count);
  const Term own = term;  // its settings are read once
  if constexpr (Term::together) {
#pragma omp simd
    for (std::size_t l = 0; l < lanes; ++l) {
      values[l] = own.value(t[l], y[l]);
      slopes[l] = own.derivative(t[l], y[l]);
    }
  } else {
#pragma omp simd
    for (std::size_t l = 0; l < lanes; ++l) values[l] = own.value(t[l], y[l]);
    if (!slopes) return;
#pragma omp simd
    for (std::size_t l = 0; l < lanes; ++l) slopes[l] = own.derivative(t[l], y[l]);
  }
}

}  // namespace

/// An elementwise Term over a row: its sum, or the mean. Term: value(t, y) and derivative(t, y) = d value / d y.
template <class Term, bool mean> struct OverRow : Term {
  static constexpr bool joins_rows = !Term::is_cheap;

  template <class Real, class Target>
  HD Real row(const Target& t, const Real* y, std::size_t n, Real scale, Real* dy) const {
    const Real share = mean ? scale / Real(n) : scale;
    Real sum;
    if constexpr (Term::is_cheap) {
      sum = sum_over<Real>(n, [&](std::size_t k) INLINED { return Term::value(t(k), y[k]); });
      if (dy) {
#pragma omp simd
        for (std::size_t k = 0; k < n; ++k) dy[k] = share * Term::derivative(t(k), y[k]);
      }
    } else {
      Real sums[fold_lanes] = {};
      in_sixteens(n, [&](std::size_t k, std::size_t count) INLINED {
        Real ts[fold_lanes];
        Terms<Real> terms;
        take(t, k, count, ts);
        terms.make(*this, ts, y + k, count, dy);
        add_to_lanes(sums, terms.values, count);
        if (!dy) return;
#pragma omp simd
        for (std::size_t l = 0; l < fold_lanes; ++l) terms.slopes[l] = share * terms.slopes[l];
        give(terms.slopes, count, dy + k);
      });
      sum = sum_of_lanes(sums, n);
    }
    return mean ? sum / Real(n) : sum;
  }

  /// Rows of n < few numbers, t(i) the targets of row i, of which sixteen numbers are side by side; scales, values
  /// (rows), dy (rows, n).
  template <class Real, class Targets>
  HD void short_rows(const Targets& t, const Real* y, std::size_t rows, std::size_t n, const double* scales,
                     double* values, Real* dy) const {
    if (n == 1) return single_numbers(t, y, rows, scales, values, dy);
    const std::size_t most = fold_lanes / n;
    for (std::size_t first = 0; first < rows; first += most) {
      const std::size_t count = rows - first < most ? rows - first : most;
      Real ts[fold_lanes] = {};
      for (std::size_t i = 0; i < count; ++i)
        for (std::size_t k = 0; k < n; ++k) ts[i * n + k] = t(first + i)(k);
      Terms<Real> terms;
      terms.make(*this, ts, y + first * n, count * n, dy);
      for (std::size_t i = 0; i < count; ++i) {
        const Real* const of_row = terms.values + i * n;
        const Real sum = sum_in_order<Real>(n, [=](std::size_t k) INLINED { return of_row[k]; });
        values[first + i] = mean ? sum / Real(n) : sum;
        if (!dy) continue;
        const Real scale = Real(scales[first + i]), share = mean ? scale / Real(n) : scale;
        for (std::size_t k = 0; k < n; ++k) dy[(first + i) * n + k] = share * terms.slopes[i * n + k];
      }
    }
  }

 private:
  // The same of rows of one number: a vector of them is put away as a whole.
  template <class Real, class Targets>
  HD void single_numbers(const Targets& t, const Real* y, std::size_t rows, const double* RESTRICT scales,
                         double* RESTRICT values, Real* RESTRICT dy) const {
    in_sixteens(rows, [&](std::size_t first, std::size_t count) INLINED {
      Real ts[fold_lanes] = {}, by[fold_lanes];
      double found[fold_lanes];
      for (std::size_t i = 0; i < count; ++i) ts[i] = t(first + i)(0);
      Terms<Real> terms;
      terms.make(*this, ts, y + first, count, dy);
#pragma omp simd
      for (std::size_t l = 0; l < fold_lanes; ++l) found[l] = double(Real(0) + terms.values[l]);  // no -0
      give(found, count, values + first);
      if (!dy) return;
      if (count == fold_lanes) {
#pragma omp simd
        for (std::size_t l = 0; l < fold_lanes; ++l) by[l] = Real(scales[first + l]) * terms.slopes[l];
      } else {
        for (std::size_t l = 0; l < count; ++l) by[l] = Real(scales[first + l]) * terms.slopes[l];
      }
      give(by, count, dy + first);
    });
  }

  template <class Real> struct Terms {
    Real values[fold_lanes], slopes[fold_lanes];

    HD void make(const Term& term, const Real* ts, const Real* y, std::size_t count, const Real* dy) {
      Real ys[fold_lanes];
      take(y, count, ys);
      terms_of<Term, Real>(term, ts, ys, count, values, Term::together || dy ? slopes : nullptr);
    }
  };
};
template <class Term> using MeanOverRow = OverRow<Term, true>;
template <class Term> using SumOverRow = OverRow<Term, false>;

}  // namespace gs
