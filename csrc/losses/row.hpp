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
  static constexpr auto fields() { return std::array<Field<RowLoss>, 0>{}; }
};

/// Rows of fewer numbers are not worth a vector.
inline constexpr std::size_t few = 4;

/// An elementwise Term over a row: its sum, or the mean. Term: value(t, y) and derivative(t, y) = d value / d y.
template <class Term, bool mean> struct OverRow : Term {
  template <class Real, class Target>
  HD Real row(const Target& t, const Real* y, std::size_t n, Real scale, Real* dy) const {
    const Real share = mean ? scale / Real(n) : scale;
    if (Term::is_cheap || n < few) {
      const auto term = [&](std::size_t k) INLINED { return Term::value(t(k), y[k]); };
      const Real sum = Term::is_cheap ? sum_over<Real>(n, term) : sum_in_order<Real>(n, term);
      if (dy && Term::is_cheap) {
#pragma omp simd
        for (std::size_t k = 0; k < n; ++k) dy[k] = share * Term::derivative(t(k), y[k]);
      } else if (dy) {
#pragma GCC unroll 1
        for (std::size_t k = 0; k < n; ++k) dy[k] = share * Term::derivative(t(k), y[k]);
      }
      return mean ? sum / Real(n) : sum;
    }
    Real sums[fold_lanes] = {};
    in_sixteens(n, [&](std::size_t k, std::size_t count) INLINED {
      Real ts[fold_lanes], ys[fold_lanes], terms[fold_lanes];
      take(t, k, count, ts);
      take(y + k, count, ys);
#pragma omp simd
      for (std::size_t l = 0; l < fold_lanes; ++l) terms[l] = Term::value(ts[l], ys[l]);
      add_to_lanes(sums, terms, count);
      if (!dy) return;
#pragma omp simd
      for (std::size_t l = 0; l < fold_lanes; ++l) terms[l] = share * Term::derivative(ts[l], ys[l]);
      give(terms, count, dy + k);
    });
    const Real sum = sum_of_lanes(sums, n);
    return mean ? sum / Real(n) : sum;
  }
};
template <class Term> using MeanOverRow = OverRow<Term, true>;
template <class Term> using SumOverRow = OverRow<Term, false>;

}  // namespace gs
