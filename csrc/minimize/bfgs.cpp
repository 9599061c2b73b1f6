#include "minimize/bfgs.hpp"

#include <algorithm>

#include "minimize/line_search.hpp"

namespace gs::minimize {

void BFGS::reset() {
  H.set_identity();
  is_fresh = true;
}

Point BFGS::step(Function& function, const Point& point) {
  const std::size_t size = function.vectors.size();
  const Vector d = function.vectors.make();
  Point next;
  double decrease = nan;
  for (;;) {
    double slope = H.multiply(point.g, -1, point.g, d);
    if (!(slope < 0) && !is_fresh) {
      reset();
      slope = H.multiply(point.g, -1, point.g, d);
    }
    if (decrease != decrease) decrease = -slope / 2;
    Line line(function, point, d, slope);
    const double alpha = is_fresh ? std::min(1.0, 1 / std::sqrt(-slope)) : 1;
    if (slope < 0 && strong_wolfe(line, next, alpha, c1_, c2_)) break;
    if (is_fresh) throw Stop("line_search", text("slope %.2g", -2 * decrease), decrease);
    reset();  // and then along the negative gradient
  }
  const Vector s = function.vectors.make(), y = function.vectors.make();
  const Change moved = change(next.x, point.x, next.g, point.g, s, y, size);
  update(function, s, y, moved);
  next.ss = moved.ss;
  next.turn = moved.turn;
  next.largest = moved.largest;
  return next;
}

// With rho = 1 / y's, H' = (I - rho s y') H (I - rho y s') + rho s s', as an update of rank 2.
void BFGS::update(Function& function, const Vector& s, const Vector& y, const Change& moved) {
  const auto [ss, yy, ys, turn, most] = moved;
  if (!(ys > 1e-10 * std::sqrt(yy * ss))) return;
  if (is_fresh) {
    // Short of the full scaling, after which directions softer than the first are learned slowly.
    H.scale(std::max(std::pow(ys / yy, 0.75), 1e-3));
    is_fresh = false;
  }
  const Vector u = function.vectors.make();
  const double yHy = H.multiply(y, 1, y, u);
  add_and_dot(s, -1 / (0.5 * (1 + yHy / ys)), u, 0.5 * (1 + yHy / ys) / ys, s, u, function.vectors.size());
  H.add(s, u);
}

double BFGS::left(Function& function, const Point& point) {
  const Vector d = function.vectors.make();
  return 0.5 * H.multiply(point.g, 1, point.g, d);
}

}  // namespace gs::minimize
