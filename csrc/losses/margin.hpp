// Losses with a margin: 0 where a prediction is right by 1 or more.
#pragma once

#include "core/math.hpp"
#include "losses/row.hpp"

namespace gs {

struct HingeTerm : RowLoss {
  static constexpr const char* name = "hinge";
  static constexpr bool is_cheap = true;
  template <class Real> HD Real value(Real t, Real y) const { return larger(1 - t * y, Real(0)); }
  template <class Real> HD Real derivative(Real t, Real y) const { return t * y < 1 ? -t : Real(0); }
};

struct SquaredHingeTerm : RowLoss {
  static constexpr const char* name = "squared_hinge";
  static constexpr bool is_cheap = true;
  template <class Real> HD Real value(Real t, Real y) const {
    const Real lack = larger(1 - t * y, Real(0));
    return lack * lack;
  }
  template <class Real> HD Real derivative(Real t, Real y) const { return -2 * t * larger(1 - t * y, Real(0)); }
};

/// The mean over rows of Term with targets -1 and 1; 0 and 1 stand for them if the batch has no other.
template <class Term> struct HingeOf : MeanOverRow<Term> {
  static constexpr bool whole_batch = true;
  template <class Targets, class Real>
  HD void batch(const Targets& targets, const Real* y, std::size_t rows, std::size_t n, const double* scales,
                double* values, Real* dy) const {
    std::size_t others = 0;
    for (std::size_t i = 0; i < rows; ++i) {
      const auto t = targets(i);
      for (std::size_t k = 0; k < n; ++k) others += int(t(k) != 0) & int(t(k) != 1);
    }
    const Real factor = others ? 1 : 2, offset = others ? 0 : -1;
    for (std::size_t i = 0; i < rows; ++i) {
      const Affine<Real, decltype(targets(i))> t{targets(i), factor, offset};
      values[i] = this->row(t, y + i * n, n, Real(scales[i]), dy ? dy + i * n : nullptr);
    }
  }
};
using Hinge = HingeOf<HingeTerm>;
using SquaredHinge = HingeOf<SquaredHingeTerm>;

/// How much the best wrong class is above the right ones, and 1. Crammer & Singer 2001, JMLR 2.
struct CategoricalHinge : RowLoss {
  static constexpr const char* name = "categorical_hinge";
  template <class Real, class Target>
  HD Real row(const Target& t, const Real* y, std::size_t n, Real scale, Real* dy) const {
    const Real right = sum_over<Real>(n, [&](std::size_t k) INLINED { return t(k) * y[k]; });
    std::size_t worst = 0;
    Real wrong = (1 - t(0)) * y[0];
    for (std::size_t k = 1; k < n; ++k) {
      const Real other = (1 - t(k)) * y[k];
      if (other > wrong) {
        wrong = other;
        worst = k;
      }
    }
    const Real value = larger(wrong - right + 1, Real(0));
    if (dy) {
      const Real share = value > 0 ? scale : Real(0);
      for (std::size_t k = 0; k < n; ++k) dy[k] = -share * t(k);
      dy[worst] += share * (1 - t(worst));
    }
    return value;
  }
};

}  // namespace gs
