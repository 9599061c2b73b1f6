// How far one distribution is from another.
#pragma once

#include "core/math.hpp"
#include "losses/row.hpp"

namespace gs {

/// A term of SumOverRow: t log(t / y), both clipped to [epsilon, 1].
struct KLDivergence : RowLoss {
  static constexpr const char* name = "kl_divergence";
  template <class Real> HD Real value(Real t, Real y) const { return inside(t) * log(inside(t) / inside(y)); }
  template <class Real> HD Real derivative(Real t, Real y) const {
    return int(y < Real(epsilon)) | int(y > 1) ? Real(0) : -inside(t) / y;
  }

 private:
  template <class Real> HD static Real inside(Real x) { return at_most(at_least(x, Real(epsilon)), Real(1)); }
};

}  // namespace gs
