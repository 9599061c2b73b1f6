#include "minimize/cma.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/normal.hpp"
#include "core/random.hpp"
#include "minimize/eigen.hpp"

namespace gs::minimize {
namespace {

constexpr double largest_condition = 1e14;
constexpr std::int64_t fresh_axes =
    128;                         // generations, after which axes are found from nothing: their rounding adds up
constexpr int most_draws = 10;   // of a point, until it is within the bounds
constexpr double hopeless = 10;  // times what the values fall by in a window, above the lowest of an earlier run

double product(const double* a, const double* b, std::size_t n) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}
void add(double c, const double* v, double* to, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) to[i] += c * v[i];
}
double squared(double x) { return x * x; }

/// The middle one of values[begin, end), or the mean of the two.
double median(const std::vector<double>& values, std::size_t begin, std::size_t end) {
  std::vector<double> sorted(values.begin() + std::ptrdiff_t(begin), values.begin() + std::ptrdiff_t(end));
  std::sort(sorted.begin(), sorted.end());
  const std::size_t count = sorted.size();
  return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

/// Drops all but the last ones, now and then.
void trim(std::vector<double>& values, std::size_t last) {
  if (values.size() > 2 * last) values.erase(values.begin(), values.end() - std::ptrdiff_t(last));
}

}  // namespace

Cma::Cma(std::vector<double> width, bool is_diagonal, bool bounded)
    : n(width.size()), is_diagonal(is_diagonal), bounded(bounded), width(std::move(width)) {}

void Cma::begin(const std::vector<double>& mean, double sigma, std::size_t size, double known) {
  this->mean = mean;
  this->sigma = first_sigma = sigma;
  this->size = size;
  this->known = known;
  C.assign(is_diagonal ? n : n * n, 0.0);
  B.assign(is_diagonal ? 0 : n * n, 0.0);
  for (std::size_t i = 0; i < n; ++i) C[is_diagonal ? i : i * n + i] = 1;
  for (std::size_t i = 0; i < n && !is_diagonal; ++i) B[i * n + i] = 1;
  D.assign(n, 1.0);
  path_c.assign(n, 0.0);
  path_s.assign(n, 0.0);
  since = decomposed = 0;
  best = inf;
  bests.clear();
  medians.clear();
  set_constants();
}

// Weights and rates of table 1 of Hansen 2016, but for c_c, which falls as the root of n, as in Hansen's own pycma.
void Cma::set_constants() {
  const double N = double(n);
  half_ = size / 2;
  weights_.resize(size);
  double good = 0, good_squares = 0, bad = 0, bad_squares = 0, negative = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const double raw = std::log((double(size) + 1) / 2) - std::log(double(i + 1));
    weights_[i] = raw;
    (i < half_ ? good : bad) += raw;
    (i < half_ ? good_squares : bad_squares) += raw * raw;
    if (raw < 0) negative -= raw;
  }
  mu_ = good * good / good_squares;
  const double mu_bad = bad * bad / bad_squares;
  c_s_ = (mu_ + 2) / (N + mu_ + 5);
  damping_ = 1 + 2 * std::max(0.0, std::sqrt((mu_ - 1) / (N + 1)) - 1) + c_s_;
  c_c_ = std::sqrt(1 + 1 / N + mu_ / N) / (std::sqrt(N) + std::sqrt(1 + 1 / N + 2 * mu_ / N));
  const double faster = is_diagonal ? (N + 2) / 3 : 1;
  c_1_ = std::min(1.0, faster * 2 / (squared(N + 1.3) + mu_));
  c_mu_ = std::min(1 - c_1_, faster * 2 * (0.25 + mu_ + 1 / mu_ - 2) / (squared(N + 2) + mu_));
  const double most = std::min({1 + c_1_ / c_mu_, 1 + 2 * mu_bad / (mu_ + 2), (1 - c_1_ - c_mu_) / (N * c_mu_)});
  for (double& weight : weights_) weight = weight >= 0 ? weight / good : most * weight / negative;
  chi_ = std::sqrt(N) * (1 - 1 / (4 * N) + 1 / (21 * N * N));
  y_.resize(size * n);
  square_.resize(size);
}

void Cma::draw(std::uint64_t key, std::uint64_t generation, const double* lower, const double* upper) {
  std::vector<double> z(n + 3);
  std::uint32_t block = 0;
  const auto is_within = [&](std::size_t k) {
    for (std::size_t j = 0; j < n; ++j)
      if (const double v = variable(k, j); !(lower[j] <= v && v <= upper[j])) return false;
    return true;
  };
  const auto draw_one = [&](std::size_t k) {
    for (std::size_t i = 0; i < n; i += 4) {
      const auto words = philox({block++, std::uint32_t(generation), std::uint32_t(generation >> 32), 0}, key);
      for (std::size_t j = 0; j < 4; ++j) z[i + j] = normal_number<double>(words[j]);
    }
    square_[k] = product(z.data(), z.data(), n);
    double* const y = &y_[k * n];
    if (is_diagonal) {
      for (std::size_t i = 0; i < n; ++i) y[i] = z[i] * D[i];
    } else {
      std::fill_n(y, n, 0.0);
      for (std::size_t j = 0; j < n; ++j) add(z[j] * D[j], &B[j * n], y, n);
    }
  };
  for (std::size_t k = 0; k < size; ++k) {
    int draws = 0;
    do draw_one(k);
    while (++draws < most_draws && lower && !is_within(k));
  }
}

void Cma::place(std::size_t i, const double* lower, const double* upper, double* x) const {
  for (std::size_t j = 0; j < n; ++j) {
    double v = variable(i, j);
    if (lower) {
      // Points that are still beyond a bound are reflected at it.
      if (v < lower[j]) v = 2 * lower[j] - v;
      if (v > upper[j]) v = 2 * upper[j] - v;
      v = std::fmin(std::fmax(v, lower[j]), upper[j]);
    }
    x[j] = v;
  }
}

std::string Cma::learn(const std::vector<double>& values) {
  std::vector<std::size_t> order(size);
  std::iota(order.begin(), order.end(), std::size_t(0));
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  const auto y = [&](std::size_t rank) { return &y_[order[rank] * n]; };
  std::vector<double> step(n), whitened(n);
  for (std::size_t k = 0; k < half_; ++k) add(weights_[k], y(k), step.data(), n);
  add(sigma, step.data(), mean.data(), n);
  if (is_diagonal)
    for (std::size_t i = 0; i < n; ++i) whitened[i] = step[i] / D[i];
  else
    for (std::size_t j = 0; j < n; ++j) add(product(&B[j * n], step.data(), n) / D[j], &B[j * n], whitened.data(), n);
  ++since;
  const double along_s = std::sqrt(c_s_ * (2 - c_s_) * mu_), along_c = std::sqrt(c_c_ * (2 - c_c_) * mu_);
  for (std::size_t i = 0; i < n; ++i) path_s[i] = (1 - c_s_) * path_s[i] + along_s * whitened[i];
  const double length = std::sqrt(product(path_s.data(), path_s.data(), n));
  const bool goes_on =
      length / std::sqrt(1 - std::pow(1 - c_s_, 2 * double(since))) < (1.4 + 2 / (double(n) + 1)) * chi_;
  double sum = 0;
  for (const double weight : weights_) sum += weight;
  const double keep = 1 - c_1_ - c_mu_ * sum + (goes_on ? 0 : c_1_ * c_c_ * (2 - c_c_));
  for (std::size_t i = 0; i < n; ++i) path_c[i] = (1 - c_c_) * path_c[i] + (goes_on ? along_c * step[i] : 0);
  const auto add_outer = [&](double weight, const double* v) {
    if (is_diagonal)
      for (std::size_t i = 0; i < n; ++i) C[i] += weight * v[i] * v[i];
    else
      for (std::size_t i = 0; i < n; ++i) add(weight * v[i], v, &C[i * n], n);
  };
  for (double& c : C) c *= keep;
  add_outer(c_1_, path_c.data());
  for (std::size_t k = 0; k < size; ++k) {
    const double weight = weights_[k];
    // A step of the worse half counts by its direction alone.
    add_outer(c_mu_ * (weight < 0 ? weight * double(n) / std::max(square_[order[k]], 1e-300) : weight), y(k));
  }
  sigma *= std::exp(std::min(1.0, c_s_ / damping_ * (length / chi_ - 1)));
  decompose();
  best = std::min(best, values[order[0]]);
  bests.push_back(values[order[0]]);
  medians.push_back(values[order[size / 2]]);
  return why(values, order);
}

void Cma::decompose() {
  if (is_diagonal) {
    for (std::size_t i = 0; i < n; ++i) D[i] = std::sqrt(C[i] = std::max(C[i], 1e-300));
    return;
  }
  if (double(since - decomposed) < 1 / (10 * double(n) * (c_1_ + c_mu_))) return;
  const bool from_axes = since / fresh_axes == decomposed / fresh_axes;
  decomposed = since;
  std::vector<double> A = C;
  eigen(A, B, D, n, from_axes);
  for (double& d : D) d = std::sqrt(std::max(d, 1e-300));
}

std::string Cma::why(const std::vector<double>& values, const std::vector<std::size_t>& order) {
  const double per_size = 30 * double(n) / double(size);
  const auto window = std::size_t(10 + std::ceil(per_size));
  const auto last = std::max(std::size_t(120 + per_size), std::size_t(since / 5));
  trim(bests, last);
  trim(medians, last);
  const double spread = sigma * *std::max_element(D.begin(), D.end());
  if (bests.size() >= window) {
    const auto recent = bests.end() - std::ptrdiff_t(window);
    const double low = *std::min_element(recent, bests.end()), high = *std::max_element(recent, bests.end());
    const double range = std::max(high, values[order[size - 1]]) - low;
    if (range <= 1e-12 * std::max(1.0, std::fabs(low)) + 1e-12) return text("values differ by %.1g", range);
    if (high == low) return "the best value has not changed";
    if (low - known > hopeless * (high - low))
      return text("values stay above %.6g, which an earlier run has found", known);
  }
  if (spread < 1e-12 * first_sigma)
    return text("points differ by %.1g", spread) + (bounded ? " of the bounds' width" : "");
  const double condition = squared(*std::max_element(D.begin(), D.end()) / *std::min_element(D.begin(), D.end()));
  if (!(condition <= largest_condition)) return "the covariance has become singular";
  if (spread > 1e4 * first_sigma || !std::isfinite(values[order[0]])) return "the steps have grown without end";
  if (since > std::int64_t(120 + per_size) && bests.size() >= 60 && since % 10 == 0) {
    const std::size_t end = bests.size(), begin = end - std::min(end, last), third = (end - begin) * 3 / 10;
    if (median(bests, end - third, end) >= median(bests, begin, begin + third) &&
        median(medians, end - third, end) >= median(medians, begin, begin + third))
      return "the values have stagnated";
  }
  return {};
}

Point CmaMethod::step(Function& function, const Point&) {
  if (!reason_.empty()) throw Stop(reason_.c_str(), detail_);
  const double* const lower = function.lower ? function.lower.data() : nullptr;
  const double* const upper = function.upper ? function.upper.data() : nullptr;
  cma.draw(key, generation, lower, upper);
  Point lowest;
  values_.resize(cma.size);
  for (std::size_t i = 0; i < cma.size; ++i) {
    Point point;
    point.x = function.vectors.make();
    cma.place(i, lower, upper, point.x.data());
    if (function.is_single) function.round(point.x);
    function.value(point);
    values_[i] = point.f == point.f ? point.f : inf;
    if (i == 0 || point.f < lowest.f || lowest.f != lowest.f) lowest = point;
  }
  lowest.g = Vector();
  if (lowest.f < fun) {
    fun = lowest.f;
    x.assign(lowest.x.data(), lowest.x.data() + cma.n);
  }
  const std::string why = cma.learn(values_);
  ++generation;
  lowest.alpha = cma.sigma;
  if (!why.empty()) {
    detail_ = why;
    reason_ = ended(why);
  }
  return lowest;
}

}  // namespace gs::minimize
