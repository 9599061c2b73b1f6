// What a pass leaves of a layer for the curvature of its weights.
#pragma once

#include "graph/jobs.hpp"
#include "graph/matrix.hpp"

namespace gs {

/// A layer whose weights have no gradient of a pass: that follows, by whoever finds their curvature.
template <class Real> struct CurvatureTap {
  const Weight<Real>* kernel = nullptr;
  const Weight<Real>* bias = nullptr;  // or null
  Rows x;                              // (rows, inputs)
  Matrix<Real> dz;                     // (rows, outputs), where it stays until the next backward pass
};

}  // namespace gs
