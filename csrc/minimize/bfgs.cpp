#include "minimize/bfgs.hpp"

#include <algorithm>

#include "minimize/line_search.hpp"

namespace gs::minimize {

void BFGS::set_direction(const double* g, const double* d) {
  gradient_ = vectors_.make();
  direction_ = vectors_.make();
  std::copy_n(g, H.n, gradient_.data());
  std::copy_n(d, H.n, direction_.data());
}

void BFGS::reset() {
  H.set_identity();
  is_fresh = true;
  forget_direction();
}

Vector BFGS::descent(Function& function, const Vector& g, double& slope) {
  const std::size_t size = function.vectors.size();
  if (direction_ && (gradient_ == g || std::equal(g.data(), g.data() + H.n, gradient_.data()))) {
    slope = dot(g, direction_, size);
    return direction_;
  }
  const Vector d = function.vectors.make();
  slope = H.multiply(g, -1, g, d);
  return d;
}

Point BFGS::step(Function& function, const Point& point) {
  Point next;
  double decrease = nan;
  for (;;) {
    double slope;
    Vector d = descent(function, point.g, slope);
    if (!(slope < 0) && !is_fresh) {
      reset();
      d = descent(function, point.g, slope);
    }
    if (decrease != decrease) decrease = -slope / 2;
    Line line(function, point, d, slope);
    const double alpha = is_fresh ? std::min(1.0, 1 / std::sqrt(-slope)) : 1;
    if (slope < 0 && strong_wolfe(line, next, alpha, c1_, c2_)) break;
    if (is_fresh) throw Stop("line_search", text("slope %.2g", -2 * decrease), decrease);
    reset();  // and then along the negative gradient
  }
  const Vector s = function.vectors.make(), y = function.vectors.make();
  const Change moved = change(next.x, point.x, next.g, point.g, s, y, function.vectors.size());
  update(function, next.g, s, y, moved);
  next.ss = moved.ss;
  next.turn = moved.turn;
  next.largest = moved.largest;
  return next;
}

// With rho = 1 / y's, H' = (I - rho s y') H (I - rho y s') + rho s s', as an update of rank 2, H + s u' + u s'. The
// product H g at the new gradient comes from the sweep that makes H y, and so the next direction without another:
// H' g = H g + (u'g) s + (s'g) u.
void BFGS::update(Function& function, const Vector& g, const Vector& s, const Vector& y, const Change& moved) {
  const auto [ss, yy, ys, turn, most] = moved;
  if (!(ys > 1e-10 * std::sqrt(yy * ss))) return;
  const std::size_t size = function.vectors.size();
  if (is_fresh) {
    // Short of the full scaling, after which directions softer than the first are learned slowly.
    H.scale(std::max(std::pow(ys / yy, 0.75), 1e-3));
    is_fresh = false;
  }
  const Vector u = function.vectors.make(), d = function.vectors.make();
  H.multiply(y, g, u, d);
  const double yHy = dot(y, u, size), half = 0.5 * (1 + yHy / ys);
  const double ug = add_and_dot(s, -1 / half, u, half / ys, g, u, size);
  H.add(s, u);
  add_and_dot(d, ug, s, -1, g, d, size);
  add_and_dot(d, -dot(s, g, size), u, 1, g, d, size);
  direction_ = d;
  gradient_ = g;
}

double BFGS::left(Function& function, const Point& point) {
  const Vector d = function.vectors.make();
  return 0.5 * H.multiply(point.g, 1, point.g, d);
}

}  // namespace gs::minimize
