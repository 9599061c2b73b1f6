#include "minimize/lbfgs.hpp"

#include <algorithm>

namespace gs::minimize {

bool Memory::add(const Vector& s, const Vector& y, const Change& change) {
  if (!(change.ys > 1e-10 * std::sqrt(change.yy * change.ss))) return false;
  Pair pair{s, y, 1 / change.ys};
  gamma = change.ys / change.yy;
  if (pairs_.size() < most_) {
    if (pairs_.empty()) first_ = 0;
    pairs_.push_back(std::move(pair));
  } else {
    pairs_[first_] = std::move(pair);
    if (++first_ == most_) first_ = 0;
  }
  return true;
}

double Memory::direction(const Vector& g, const Vector& d, std::size_t size) const {
  // Each sweep subtracts the part along one vector, and makes the product with the next: q and d are the same memory.
  const std::size_t k = count();
  double slope = 0;
  weights_.resize(k);
  with_team(size, [&](ThreadTeam* team) {
    if (k == 0) {
      slope = add_and_dot(g, 0, g, -1, g, d, size, team);
      return;
    }
    double product = dot(pair(k - 1).s, g, size, team);
    const Vector* q = &g;
    for (std::size_t i = k; i-- > 0;) {
      const Pair& here = pair(i);
      weights_[i] = here.rho * product;
      product = i > 0 ? add_and_dot(*q, -weights_[i], here.y, 1, pair(i - 1).s, d, size, team)
                      : add_and_dot(*q, -weights_[i], here.y, gamma, here.y, d, size, team);
      q = &d;
    }
    for (std::size_t i = 0; i < k; ++i) {
      const Pair& here = pair(i);
      const double weight = weights_[i] - here.rho * product;
      product = i + 1 < k ? add_and_dot(d, weight, here.s, 1, pair(i + 1).y, d, size, team)
                          : add_and_dot(d, weight, here.s, -1, g, d, size, team);
    }
    slope = product;
  });
  return slope;
}

Point LBFGS::step(Function& function, const Point& point) {
  const std::size_t size = function.vectors.size();
  Point next;
  double decrease = nan;
  const Vector d = function.vectors.make();
  for (;;) {
    const bool is_fresh = memory_.count() == 0;
    const double slope = memory_.direction(point.g, d, size);
    if (decrease != decrease) decrease = -slope / 2;
    Line line(function, point, d, slope);
    const double alpha = is_fresh ? std::min(1.0, 1 / std::sqrt(-slope)) : 1;
    if (slope < 0 && strong_wolfe(line, next, alpha, c1_, c2_, inf, trials_)) break;
    if (is_fresh) throw Stop("line_search", text("slope %.2g", -2 * decrease), decrease);
    memory_.clear();
  }
  const Vector s = function.vectors.make(), y = function.vectors.make();
  Change moved;
  with_team(size, [&](ThreadTeam* team) { moved = change(next.x, point.x, next.g, point.g, s, y, size, team); });
  memory_.add(s, y, moved);
  next.ss = moved.ss;
  next.turn = moved.turn;
  next.largest = moved.largest;
  return next;
}

}  // namespace gs::minimize
