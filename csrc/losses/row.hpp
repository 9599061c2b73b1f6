// What a loss or metric sees of one row: its targets; sums over a row; and what a loss says of itself.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/describe.hpp"
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
  static constexpr auto fields() { return std::array<Field<RowLoss>, 0>{}; }
};

/// Sum of term(k) over k < n: in sixteen sums side by side, so that it can be vectors, and in the same order on all.
template <class Real, class Term> HD Real sum_over(std::size_t n, const Term& term) {
  constexpr std::size_t lanes = 16;
  Real part[lanes] = {};
  for (std::size_t k = 0; k < n; k += lanes) {
    const std::size_t count = n - k < lanes ? n - k : lanes;
#pragma omp simd
    for (std::size_t i = 0; i < count; ++i) part[i] += term(k + i);
  }
  Real sum = 0;
  const std::size_t used = n < lanes ? n : lanes;
  for (std::size_t i = 0; i < used; ++i) sum += part[i];
  return sum;
}

/// The same sum, one term after another; sixteen of them are made side by side.
template <class Real, class Term> HD Real sum_in_order(std::size_t n, const Term& term) {
  constexpr std::size_t lanes = 16;
  Real sum = 0, terms[lanes];
  for (std::size_t k = 0; k < n; k += lanes) {
    const std::size_t count = n - k < lanes ? n - k : lanes;
#pragma omp simd
    for (std::size_t i = 0; i < count; ++i) terms[i] = term(k + i);
    for (std::size_t i = 0; i < count; ++i) sum += terms[i];
  }
  return sum;
}

/// An elementwise Term over a row: its sum, or the mean. Term: value(t, y) and derivative(t, y) = d value / d y.
template <class Term, bool mean> struct OverRow : Term {
  template <class Real, class Target>
  HD Real row(const Target& t, const Real* y, std::size_t n, Real scale, Real* dy) const {
    const Real sum = sum_over<Real>(n, [&](std::size_t k) INLINED { return Term::value(t(k), y[k]); });
    if (dy) {
      const Real share = mean ? scale / Real(n) : scale;
#pragma omp simd
      for (std::size_t k = 0; k < n; ++k) dy[k] = share * Term::derivative(t(k), y[k]);
    }
    return mean ? sum / Real(n) : sum;
  }
};
template <class Term> using MeanOverRow = OverRow<Term, true>;
template <class Term> using SumOverRow = OverRow<Term, false>;

}  // namespace gs
