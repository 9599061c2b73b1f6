#include "linear/coordinates.hpp"

#include <cmath>
#include <limits>
#include <numeric>

#include "runtime/cancel.hpp"

namespace gs {
namespace {

class Random {
 public:
  explicit Random(std::uint32_t seed) : state_(seed ? seed : 1) {}
  /// In [0, n). Marsaglia 2003, J. Stat. Softw. 8.
  std::size_t below(std::size_t n) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 17;
    state_ ^= state_ << 5;
    return state_ % n;
  }

 private:
  std::uint32_t state_;
};

void poll() {
  if (CancelPoll* const here = CancelPoll::current(); here && (*here)()) throw Cancelled();
}

double shrunk(double x, double by) { return x > by ? x - by : x < -by ? x + by : 0; }

/// How far w is from the minimum at most, by the point of the dual that its residual gives when scaled. h = G w.
double duality_gap(const Quadratic& of, const double* w, const double* h) {
  double wh = 0, qw = 0, magnitudes = 0, squares = 0, over = 0, slopes = 0;
  bool is_smooth = true;
  for (std::size_t j = 0; j < of.n; ++j) {
    wh += w[j] * h[j];
    qw += of.q[j] * w[j];
    magnitudes += of.l1[j] * std::fabs(w[j]);
    squares += w[j] * w[j];
    const double slope = of.q[j] - h[j] - of.l2 * w[j], size = of.positive ? slope : std::fabs(slope);
    is_smooth &= of.l1[j] == 0;
    if (of.l1[j] > 0) over = std::max(over, size / of.l1[j]);
    slopes += of.positive && w[j] == 0 && slope < 0 ? 0 : slope * slope;
  }
  // Without l1 no scaled residual is a point of the dual; but then l2 bounds how far down it is from this slope.
  if (is_smooth && of.l2 > 0) return slopes / (2 * of.l2);
  const double rr = std::max(0.0, of.yy + wh - 2 * qw), scale = over > 1 ? 1 / over : 1;
  return 0.5 * rr * (1 + scale * scale) + magnitudes - scale * (of.yy - qw) +
         0.5 * of.l2 * (1 + scale * scale) * squares;
}

}  // namespace

CoordinateRun coordinate_descent(const Quadratic& of, const CoordinateRules& rules, double* w) {
  const std::size_t n = of.n;
  std::vector<double> h(n);
  const auto add = [&](std::size_t j, double by) {
    const double* const row = of.g + j * n;
    double* const to = h.data();
    for (std::size_t k = 0; k < n; ++k) to[k] += by * row[k];
  };
  for (std::size_t j = 0; j < n; ++j)
    if (w[j] != 0) add(j, w[j]);
  Random random(rules.seed);
  CoordinateRun run{0, std::numeric_limits<double>::quiet_NaN(), false};
  while (run.passes < rules.passes) {
    ++run.passes;
    double largest = 0, change = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t j = rules.random ? random.below(n) : i;
      const double bend = of.g[j * n + j];
      if (bend == 0) continue;
      const double before = w[j], target = of.q[j] - h[j] + before * bend;
      const double after = of.positive && target < 0 ? 0 : shrunk(target, of.l1[j]) / (bend + of.l2);
      if (after != before) add(j, after - before);
      w[j] = after;
      change = std::max(change, std::fabs(after - before));
      largest = std::max(largest, std::fabs(after));
    }
    if (run.passes % 16 == 0) poll();
    if (largest != 0 && change > rules.tol * largest && run.passes < rules.passes) continue;
    if (rules.gap < 0) {
      run.converged = largest == 0 || change <= rules.tol * largest;
    } else {
      run.gap = duality_gap(of, w, h.data());
      run.converged = run.gap <= rules.gap;
    }
    if (run.converged) break;
  }
  return run;
}

template <class Real>
CoordinateRun dual_descent(const DualProblem<Real>& of, const CoordinateRules& rules, double* beta, double* w) {
  const auto all = std::size_t(of.design.rows), n = std::size_t(of.design.columns);
  const DesignRows<Real> rows(of.design, 1);
  const bool is_hinge = of.epsilon < 0;
  const double epsilon = is_hinge ? 0 : of.epsilon;
  std::vector<double> bend(all), row(n);
  for (std::size_t i = 0; i < all; ++i) {
    double one = 1;
    std::fill(row.begin(), row.end(), 0.0);
    if (!rows.accumulate(i, 1, &one, row.data())) bad_design();
    bend[i] = std::inner_product(row.begin(), row.end(), row.begin(), of.bias * of.bias);
  }
  std::vector<std::size_t> order(all), active;
  std::iota(order.begin(), order.end(), std::size_t(0));
  Random random(rules.seed);
  CoordinateRun run{0, std::numeric_limits<double>::quiet_NaN(), false};
  // One pass over all rows, then some over those that this one has moved: the others lie at a bound.
  constexpr int of_active = 8;
  int left = 0;
  while (run.passes < rules.passes) {
    ++run.passes;
    const bool is_whole = left == 0;
    std::vector<std::size_t>& now = is_whole ? order : active;
    for (std::size_t i = now.size(); i > 1; --i) std::swap(now[i - 1], now[random.below(i)]);
    if (is_whole) active.clear();
    double worst = 0;
    for (const std::size_t i : now) {
      if (bend[i] == 0) continue;
      const double y = of.y[i], upper = of.upper[i];
      double sum = 0;
      if (!rows.margins(i, 1, w, of.bias * w[n], &sum)) bad_design();
      const double low = is_hinge && y > 0 ? 0 : -upper, high = is_hinge && y < 0 ? 0 : upper;
      const double before = beta[i], aim = shrunk(before - (sum - y) / bend[i], epsilon / bend[i]);
      const double after = std::min(std::max(aim, low), high), by = after - before;
      worst = std::max(worst, std::fabs(by) * bend[i]);
      if (is_whole && (by != 0 || (after > low && after < high && after != 0))) active.push_back(i);
      if (by == 0) continue;
      beta[i] = after;
      if (!rows.accumulate(i, 1, &by, w)) bad_design();
      w[n] += by * of.bias;
    }
    poll();
    if (is_whole) {
      run.converged = worst <= rules.tol;
      if (run.converged) break;
      left = of_active;
    } else {
      left = worst <= rules.tol ? 0 : left - 1;
    }
  }
  return run;
}

template CoordinateRun dual_descent<float>(const DualProblem<float>&, const CoordinateRules&, double*, double*);
template CoordinateRun dual_descent<double>(const DualProblem<double>&, const CoordinateRules&, double*, double*);

}  // namespace gs
