#include "minimize/line_search.hpp"

#include <algorithm>
#include <cstdio>

namespace gs::minimize {

std::string text(const char* format, double a, double b) {
  char made[200];
  std::snprintf(made, sizeof made, format, a, b);
  return made;
}

namespace {

/// An end of the bracket: f there, and the slope; NaN where the gradient was not asked for.
struct End {
  double alpha, f, slope;
};

/// Where the cubic with these values and slopes has its minimum; NaN if it has none.
double cubic(const End& a, const End& b) {
  const double d1 = a.slope + b.slope - 3 * (a.f - b.f) / (a.alpha - b.alpha);
  const double root = d1 * d1 - a.slope * b.slope;
  if (!(root >= 0)) return nan;
  const double d2 = std::copysign(std::sqrt(root), b.alpha - a.alpha);
  const double bottom = b.slope - a.slope + 2 * d2;
  return bottom != 0 ? b.alpha - (b.alpha - a.alpha) * (b.slope + d2 - d1) / bottom : nan;
}

/// The next trial where f still falls at the last one: the cubic's minimum, from 1.1 to 4 times as far.
double outwards(const End& before, const End& low, double longest) {
  const double length = low.alpha - before.alpha, far = low.alpha + 4 * length;
  const double at = low.slope > before.slope ? cubic(before, low) : nan;
  return std::min(low.alpha < at && at < far ? std::max(at, low.alpha + 1.1 * length) : far, longest);
}

/// A trial inside the bracket: the minimum of the cubic or parabola through its ends, or the middle.
double between(const End& low, const End& high, bool halve) {
  const double span = high.alpha - low.alpha;
  if (!(high.f < inf)) return low.alpha + (low.alpha == 0 ? 0.1 : 0.5) * span;
  if (halve) return low.alpha + 0.5 * span;
  double at = high.slope == high.slope ? cubic(low, high) : nan;
  if (at != at) {
    const double bottom = 2 * (high.f - low.f - low.slope * span);
    at = bottom > 0 ? low.alpha - low.slope * span * span / bottom : low.alpha + 0.5 * span;
  }
  const auto [near, far] = std::minmax({low.alpha + 0.1 * span, low.alpha + 0.9 * span});
  return std::min(std::max(at, near), far);
}

}  // namespace

bool Line::place(double alpha) {
  trial.x = function_.vectors.make();
  trial.g = {};
  trial.alpha = alpha;
  const std::size_t size = function_.vectors.size();
  bool moved = move(from_.x, alpha, d_, trial.x, size);
  if (function_.is_single || function_.lower) {
    function_.round(trial.x);
    moved = !std::equal(from_.x.data(), from_.x.data() + size, trial.x.data());
  }
  return moved && alpha != 0;
}

double Line::value() {
  ++calls;
  function_.value(trial);
  return trial.f == trial.f ? trial.f : inf;
}

double Line::derivative() {
  if (!trial.g) function_.gradient(trial);
  double slope = 0;
  const std::size_t size = function_.vectors.size();
  with_team(size, [&](ThreadTeam* team) { slope = dot(trial.g, d_, size, team); });
  return slope;
}

bool armijo(Line& line, double alpha, double c1, int limit) {
  for (int i = 0; i < limit; ++i) {
    if (!line.place(alpha)) return false;
    const double f = line.value();
    if (f <= line.f0 + c1 * alpha * line.slope) {
      line.derivative();
      return true;
    }
    // The minimum of the parabola through both values and the slope.
    const double smaller = -line.slope * alpha * alpha / (2 * (f - line.f0 - line.slope * alpha));
    alpha = f < inf ? std::min(std::max(smaller, 0.1 * alpha), 0.5 * alpha) : 0.1 * alpha;
  }
  return false;
}

bool strong_wolfe(Line& line, Point& found, double alpha, double c1, double c2, double longest, int limit) {
  const double f0 = line.f0, m0 = line.slope, noise = line.noise();
  End low{0, f0, m0}, high{}, before = low;  // low: the best end, lowest value, slope towards the other end
  bool is_bracket = false;
  double width = inf;
  found = {};
  alpha = std::min(alpha, longest);
  while (line.calls < limit && line.place(alpha)) {
    double f = line.value();
    const bool enough = f <= f0 + c1 * alpha * m0;
    if ((enough && f < low.f) || (f <= f0 + noise && std::fabs(alpha * m0) <= 1e4 * noise)) {
      const double m = line.derivative();
      if (!std::isfinite(m)) {  // a gradient that is no number: as a value that is none
        high = {alpha, inf, nan};
        is_bracket = true;
      } else if ((enough && (std::fabs(m) <= -c2 * m0 || (alpha >= longest && m < 0))) ||
                 (c2 * m0 <= m && m <= (2 * c1 - 1) * m0)) {
        found = std::move(line.trial);
        return true;
      } else {
        if (!found.x || f < found.f) found = line.trial;
        before = low;
        if (is_bracket ? m * (high.alpha - alpha) >= 0 : m >= 0) {
          high = low;
          is_bracket = true;
        }
        low = {alpha, f, m};
      }
    } else {
      // Without the slope a parabola will do: a gradient is saved.
      high = {alpha, f, f < inf && line.is_pair() ? line.derivative() : nan};
      is_bracket = true;
    }
    if (!is_bracket) {
      alpha = outwards(before, low, longest);
      if (alpha == low.alpha) break;
      continue;
    }
    const double span = std::fabs(high.alpha - low.alpha);
    if (span <= 1e-15 * std::max(std::fabs(low.alpha), std::fabs(high.alpha))) break;
    alpha = between(low, high, span > 0.66 * width);
    width = span;
  }
  return found.x && found.f < f0;
}

}  // namespace gs::minimize
