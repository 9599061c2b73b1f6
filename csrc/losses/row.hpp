// What a loss or metric sees of one row: its targets, and the mean over its elements.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/portable.hpp"

namespace gs {

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

/// The mean over a row of an elementwise Term.
template <class Term> struct MeanOverRow {
  // t, y (n) -> the mean; if dy is not null, dy (n) = scale * slope
  template <class Real, class Target>
  HD static Real row(const Target& t, const Real* y, std::size_t n, Real scale, Real* dy) {
    Real sum = 0;
    for (std::size_t k = 0; k < n; ++k) sum += Term::value(t(k), y[k]);
    if (dy) {
      const Real share = scale / Real(n);
      for (std::size_t k = 0; k < n; ++k) dy[k] = share * Term::slope(t(k), y[k]);
    }
    return sum / Real(n);
  }
};

}  // namespace gs
