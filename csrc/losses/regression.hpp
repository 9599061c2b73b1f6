// Losses that are a mean over the row of one term an element: value(t, y) and slope(t, y) = d value / d y.
#pragma once

#include "core/math.hpp"

namespace gs {

struct MeanSquaredError {
  static constexpr const char* name = "mean_squared_error";
  template <class Real> HD static Real value(Real t, Real y) { return (y - t) * (y - t); }
  template <class Real> HD static Real slope(Real t, Real y) { return 2 * (y - t); }
};

struct MeanAbsoluteError {
  static constexpr const char* name = "mean_absolute_error";
  template <class Real> HD static Real value(Real t, Real y) { return magnitude(y - t); }
  template <class Real> HD static Real slope(Real t, Real y) { return sign(y - t); }
};

}  // namespace gs
