#include "linear/descent.hpp"

#include <cmath>
#include <numeric>
#include <stdexcept>

#include "runtime/dispatch.hpp"

namespace gs {
namespace {

constexpr double largest_slope = 1e12;
// Below it the weights are multiplied out.
template <class Real> constexpr double smallest_scale = sizeof(Real) == 4 ? 1e-6 : 1e-9;
constexpr std::size_t line = 64;
// In a shuffled order no prefetcher sees which row comes: rows so far ahead are asked for.
constexpr std::int64_t ahead = 4;

void fetch(const void* from, std::size_t bytes) {
  for (std::size_t at = 0; at < bytes; at += line) __builtin_prefetch(static_cast<const char*>(from) + at);
}

// Marsaglia 2003, J. Stat. Softw. 8(14); 31 bits of 32.
std::uint32_t next_random(std::uint32_t& state) {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state % 0x80000000u;
}

}  // namespace

// What a row asks for: w = shrink w + along x, and the intercept with it.
template <class Real> struct LinearDescent<Real>::Step {
  double eta, along, shrink;
  bool averages;
  double take;
};

template <class Real>
LinearDescent<Real>::LinearDescent(const LinearRows<Real>& rows, const DescentSettings& settings, Real* w,
                                   Real* average)
    : eta(settings.eta0), rows_(rows), settings_(settings), w_(w), average_(average), order_(std::size_t(rows.rows)) {
  std::iota(order_.begin(), order_.end(), 0);
  if (settings.penalized && settings.l1_ratio > 0) received_.resize(std::size_t(rows.columns));
  if (settings.length == StepLength::optimal) {
    const double usual = std::sqrt(1 / std::sqrt(settings.alpha));  // of a weight
    const double slope = settings.loss->slope(1, -usual, settings.loss_at);
    first_length_ = 1 / (usual / std::max(1.0, slope) * settings.alpha);
  }
  squares_ = magnitudes_ = 0;
  for (std::int64_t j = 0; j < rows.columns; ++j) {
    squares_ += double(w[j]) * double(w[j]);
    magnitudes_ += std::fabs(double(w[j]));
  }
}

template <class Real> void LinearDescent<Real>::shuffle(std::uint32_t seed) {
  const auto n = std::uint32_t(order_.size());
  for (std::uint32_t i = 0; i + 1 < n; ++i) std::swap(order_[i], order_[i + next_random(seed) % (n - i)]);
}

template <class Real> void LinearDescent<Real>::run(std::int64_t first, std::int64_t count) {
  (rows_.starts ? run_sparse(first, first + count) : run_dense(first, first + count));
}

template <class Real> double LinearDescent<Real>::length_at(double t) const {
  switch (settings_.length) {
    case StepLength::optimal:
      return 1 / (settings_.alpha * (first_length_ + t - 1));
    case StepLength::invscaling:
      return settings_.eta0 / std::pow(t, settings_.power_t);
    default:
      return eta;
  }
}

template <class Real> SparseRow<Real> LinearDescent<Real>::sparse_row(std::int64_t row) const {
  const std::int64_t from = rows_.starts[row], to = rows_.starts[row + 1];
  if (from < 0 || to < from || to > rows_.stored) throw std::out_of_range("indptr");
  return {rows_.x + from, rows_.where + from, std::size_t(to - from), std::uint32_t(rows_.columns)};
}

template <class Real> double LinearDescent<Real>::squared_norm(std::int64_t row) const {
  const Real* x = rows_.x + row * rows_.columns;
  auto n = std::size_t(rows_.columns);
  if (rows_.starts) {
    const auto sparse = sparse_row(row);
    x = sparse.values;
    n = sparse.n;
  }
  double sum = 0;
  for (std::size_t k = 0; k < n; ++k) sum += double(x[k]) * double(x[k]);
  return sum;
}

// What the row's loss adds to the sums of the epoch: its own, and the penalty of the weights before the step.
template <class Real> void LinearDescent<Real>::watch(double loss_here) {
  loss += loss_here;
  objective += loss_here;
  if (settings_.length >= StepLength::pa1) return;
  if (settings_.penalized) {
    const double l1 = settings_.l1_ratio;
    objective += settings_.alpha * ((1 - l1) * 0.5 * squares_ + l1 * magnitudes_);
  }
  if (settings_.one_class) objective += intercept * settings_.alpha;
}

// False: the row is passed over, and is no step.
template <class Real> bool LinearDescent<Real>::plan(std::int64_t row, double p, Step& step) {
  const DescentSettings& s = settings_;
  const double y = double(rows_.y[row]);
  step.eta = length_at(t);
  if (s.watch_objective) watch(s.loss->value(y, p, s.loss_at));
  if (s.length >= StepLength::pa1) {
    const double norm = squared_norm(row), value = s.loss->value(y, p, s.loss_at);
    if (s.length == StepLength::pa1 && norm == 0) return false;
    const double length = s.length == StepLength::pa1 ? std::min(s.eta0, value / norm) : value / (norm + 0.5 / s.eta0);
    const double slope = s.loss->slope(y, p, s.loss_at);
    step.along = slope > 0 ? -length : slope < 0 ? length : 0;
  } else {
    const double slope = s.loss->slope(y, p, s.loss_at);
    step.along = -step.eta * (slope < -largest_slope ? -largest_slope : slope > largest_slope ? largest_slope : slope);
  }
  step.along *= (y > 0 ? s.positive_weight : s.negative_weight) * double(rows_.sample_weight[row]);
  step.shrink = s.penalized && s.l1_ratio < 1 ? std::max(0.0, 1 - (1 - s.l1_ratio) * step.eta * s.alpha) : 1;
  step.averages = s.average_from > 0 && s.average_from <= t;
  step.take = 1 / (t - s.average_from + 1);
  total_ += s.penalized ? s.l1_ratio * step.eta * s.alpha : 0;
  return true;
}

// The intercept, which no penalty shrinks; then the next step.
template <class Real> void LinearDescent<Real>::finish(const Step& step) {
  if (settings_.fit_intercept)
    intercept += (step.along - (settings_.one_class ? step.eta * settings_.alpha : 0)) * settings_.intercept_share;
  if (step.averages) average_intercept += (intercept - average_intercept) * step.take;
  ++t;
}

template <class Real> void LinearDescent<Real>::run_dense(std::int64_t first, std::int64_t last) {
  const auto& loops = loops_of<Real>(kernels().linear);
  const auto n = std::size_t(rows_.columns);
  const auto next_of = [&](std::int64_t at) {
    while (at < last && !trains(order_[std::size_t(at)])) ++at;
    return at;
  };
  const auto row_at = [&](std::int64_t at) { return rows_.x + std::int64_t(order_[std::size_t(at)]) * rows_.columns; };
  std::int64_t here = next_of(first);
  if (here == last) return;
  double sum = loops.dot(w_, row_at(here), n);
  DenseStep<Real> work{n,       nullptr, nullptr, nullptr, w_, received_.empty() ? nullptr : received_.data(),
                       nullptr, 1,       0,       0,       0,  0};
  while (here < last) {
    const std::int64_t after = next_of(here + 1);
    if (after + ahead < last) {
      __builtin_prefetch(rows_.y + order_[std::size_t(after + ahead)]);
      __builtin_prefetch(rows_.sample_weight + order_[std::size_t(after + ahead)]);
    }
    work.x = row_at(here);
    work.ahead = row_at(after + ahead < last ? after + ahead : here);
    work.next = after < last ? row_at(after) : work.x;
    Step step;
    if (!plan(order_[std::size_t(here)], sum + intercept, step)) {
      sum = loops.dot(w_, work.next, n);
      here = after;
      continue;
    }
    work.along = step.along;
    work.shrink = step.shrink;
    work.total = total_;
    scale_ *= step.shrink;
    if (scale_ < smallest_scale<Real>) {
      scale_ = 1;
      share_ = 0;
    }
    work.average = step.averages ? average_ : nullptr;
    if (step.averages) {
      work.take = step.take;
      // scikit-learn's average takes a truncation as if it had been there from the start.
      work.truncated = share_ = share_ / (step.shrink > 0 ? step.shrink : 1) * (1 - step.take) + step.take;
    }
    const RowSums sums = loops.step(work);
    sum = sums.next;
    if (step.along != 0) {
      squares_ = sums.squares;
      magnitudes_ = sums.magnitudes;
    } else {
      squares_ *= step.shrink * step.shrink;
      magnitudes_ *= step.shrink;
    }
    finish(step);
    here = after;
  }
}

template <class Real> void LinearDescent<Real>::run_sparse(std::int64_t first, std::int64_t last) {
  const auto& loops = loops_of<Real>(kernels().linear);
  const auto check = [](bool good) {
    if (!good) throw std::out_of_range("indices");
  };
  for (std::int64_t at = first; at < last; ++at) {
    const std::int64_t row = order_[std::size_t(at)];
    if (at + 2 * ahead < last) __builtin_prefetch(rows_.starts + order_[std::size_t(at + 2 * ahead)]);
    if (at + ahead < last) {
      const auto later = order_[std::size_t(at + ahead)];
      const auto coming = sparse_row(later);
      const std::size_t some = std::min(coming.n, std::size_t(256));
      fetch(coming.values, some * sizeof(Real));
      fetch(coming.columns, some * sizeof(std::int32_t));
      __builtin_prefetch(rows_.y + later);
      __builtin_prefetch(rows_.sample_weight + later);
    }
    if (!trains(row)) continue;
    const auto x = sparse_row(row);
    double sum = 0;
    check(loops.sparse_dot(x, w_, sum));
    Step step;
    if (!plan(row, sum * scale_ + intercept, step)) continue;
    scale_ *= step.shrink;
    squares_ *= step.shrink * step.shrink;
    magnitudes_ *= step.shrink;
    if (scale_ < smallest_scale<Real>) settle();
    if (step.along != 0) {
      RowSums reached;
      check(loops.sparse_add(x, Real(step.along / scale_), w_, reached));
      squares_ = reached.squares * scale_ * scale_;
      magnitudes_ = reached.magnitudes * scale_;
    }
    if (step.averages) {
      RowSums unused;
      check(loops.sparse_add(x, Real(-average_a_ * step.along / scale_), average_, unused));
      if (step.take < 1) average_b_ /= 1 - step.take;
      average_a_ += step.take * average_b_ * scale_;
    }
    finish(step);
    if (!received_.empty()) check(loops.sparse_truncate(x, total_, scale_, w_, received_.data()));
  }
}

template <class Real> void LinearDescent<Real>::settle() {
  if (!rows_.starts) return;
  for (std::int64_t j = 0; j < rows_.columns; ++j) {
    if (average_) average_[j] = Real((double(average_[j]) + average_a_ * double(w_[j])) / average_b_);
    w_[j] = Real(double(w_[j]) * scale_);
  }
  average_a_ = 0;
  average_b_ = 1;
  scale_ = 1;
}

template class LinearDescent<float>;
template class LinearDescent<double>;

}  // namespace gs
