// Accuracies: the share of a row that is predicted right. They have no gradient.
#pragma once

#include <cstddef>

#include "losses/row.hpp"

namespace gs {

/// Where the first largest element is.
template <class Real, class Row> HD std::size_t argmax(const Row& row, std::size_t n) {
  std::size_t best = 0;
  Real top = row(0);
  for (std::size_t k = 1; k < n; ++k)
    if (row(k) > top) top = row(best = k);
  return best;
}

/// Each element on its own: y above 1/2 against t.
struct BinaryAccuracy {
  static constexpr const char* name = "binary_accuracy";
  template <class Real, class Target> HD static Real row(const Target& t, const Real* y, std::size_t n) {
    std::size_t right = 0;
    for (std::size_t k = 0; k < n; ++k) right += t(k) == (y[k] > Real(0.5) ? Real(1) : Real(0));
    return Real(right) / Real(n);
  }
};

/// The class of the largest y against the class of the largest t.
struct CategoricalAccuracy {
  static constexpr const char* name = "categorical_accuracy";
  template <class Real, class Target> HD static Real row(const Target& t, const Real* y, std::size_t n) {
    return argmax<Real>(t, n) == argmax<Real>(Values<Real>{y}, n) ? Real(1) : Real(0);
  }
};

/// The class of the largest y against the class t; a label that is no class, of a row that the loss ignores, is wrong.
struct SparseCategoricalAccuracy {
  static constexpr const char* name = "sparse_categorical_accuracy";
  template <class Real> HD static Real row(const Label<Real>& t, const Real* y, std::size_t n) {
    return t(argmax<Real>(Values<Real>{y}, n));
  }
};

}  // namespace gs
