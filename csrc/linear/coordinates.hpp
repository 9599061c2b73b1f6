// Coordinate descent: of a quadratic with an l1 penalty, and of the dual of support vector machines.
#pragma once

#include <cstdint>

#include "linear/design.hpp"

namespace gs {

/// w^T G w / 2 - q^T w + sum_j l1_j |w_j| + l2 |w|^2 / 2, over w >= 0 if positive. G (n, n) symmetric; yy: of which G
/// and q are the products (q = X^T y, yy = y^T y), for the duality gap.
struct Quadratic {
  std::size_t n;
  const double *g, *q, *l1;
  double l2, yy;
  bool positive;
};
struct CoordinateRules {
  std::int64_t passes;  // at most
  double tol;           // the gap is looked at where a pass changes no coefficient by more, relative to the largest
  double gap;           // ends where the gap is no larger; negative: where `tol` says so
  bool random;          // coordinates are drawn, in place of one after the other
  std::uint32_t seed;
};
struct CoordinateRun {
  std::int64_t passes;
  double gap;  // NaN where none was asked for
  bool converged;
};
/// w (n) is moved in place. Friedman, Hastie & Tibshirani 2010, J. Stat. Softw. 33.
CoordinateRun coordinate_descent(const Quadratic& of, const CoordinateRules& rules, double* w);

/// min |w|^2 / 2 + sum_i upper_i L(y_i, x_i w) by its dual, where L is the hinge (epsilon < 0; y is -1 or 1) or
/// epsilon-insensitive. bias: a further number of every row, whose coefficient is the last of w (columns + 1); 0: none.
template <class Real> struct DualProblem {
  Design<Real> design;
  const double *y, *upper;  // (rows)
  double epsilon, bias;
};
/// beta (rows), the dual variables, and w = x^T beta are moved in place. Ends where no variable's gradient, projected
/// on its bounds, is larger than tol. Hsieh, Chang, Lin, Keerthi & Sundararajan 2008, ICML; Ho & Lin 2012, JMLR 13.
template <class Real>
CoordinateRun dual_descent(const DualProblem<Real>& of, const CoordinateRules& rules, double* beta, double* w);

}  // namespace gs
