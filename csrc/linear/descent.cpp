#include "linear/descent.hpp"

#include <cmath>
#include <numeric>
#include <utility>

#include "linear/step.hpp"
#include "runtime/dispatch.hpp"

namespace gs {
namespace {

// Below it the weights are multiplied out.
template <class Real> constexpr double smallest_scale = sizeof(Real) == 4 ? 1e-6 : 1e-9;

// Of a matrix that a near cache holds beside what else there is.
constexpr std::int64_t near_bytes = 256 << 10;

// Marsaglia 2003, J. Stat. Softw. 8(14); 31 bits of 32.
std::uint32_t next_random(std::uint32_t& state) {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state % 0x80000000u;
}

}  // namespace

template <class Real>
LinearDescent<Real>::LinearDescent(const LinearRows<Real>& rows, const DescentSettings& settings, Real* w,
                                   Real* average)
    : eta(settings.eta0),
      rows_(rows),
      settings_(settings),
      is_far_(rows.work() * std::int64_t(sizeof(Real)) > near_bytes),
      class_weights_{settings.negative_weight, settings.positive_weight},
      w_(w),
      average_(average),
      order_(std::size_t(rows.rows)) {
  std::iota(order_.begin(), order_.end(), 0);
  const auto n = std::size_t(rows.columns);
  if (settings.penalized && settings.l1_ratio > 0) received_ = Buffer<Real>(n);
  if (!rows.starts) {
    aligned_w_ = Buffer<Real>(n);
    if (average) aligned_average_ = Buffer<Real>(n);
  }
  if (settings.length == StepLength::optimal) {
    const double usual = std::sqrt(1 / std::sqrt(settings.alpha));  // of a weight
    double factor = 1;
    const double slope = settings.loss->at(1, -usual, settings.loss_setting, factor).slope;
    first_length_ = 1 / (usual / std::max(1.0, slope) * settings.alpha);
  }
  squares_ = magnitudes_ = 0;
  for (std::int64_t j = 0; j < rows.columns; ++j) {
    squares_ += double(w[j]) * double(w[j]);
    magnitudes_ += std::fabs(double(w[j]));
  }
}

template <class Real> void LinearDescent<Real>::shuffle(std::uint32_t seed) {
  // The same seed makes the same swaps in each epoch, whatever is swapped: they are found once.
  if (swapped_.empty() || seed != swapped_by_) {
    swapped_by_ = seed;
    swapped_.resize(order_.size());
    std::iota(swapped_.begin(), swapped_.end(), 0);
    const auto n = std::uint32_t(order_.size());
    for (std::uint32_t i = 0; i + 1 < n; ++i) std::swap(swapped_[i], swapped_[i + next_random(seed) % (n - i)]);
  }
  before_.swap(order_);
  order_.resize(before_.size());
  for (std::size_t i = 0; i < order_.size(); ++i) order_[i] = before_[std::size_t(swapped_[i])];
}

// The first row from `at` on that is trained on.
template <class Real> inline std::int64_t LinearDescent<Real>::next_of(std::int64_t at, std::int64_t last) {
  while (at < last && !trains(order_[std::size_t(at)])) ++at;
  return at;
}

template <class Real> void LinearDescent<Real>::run(std::int64_t first, std::int64_t count) {
  rows_.starts ? run_sparse(first, first + count) : run_dense(first, first + count);
}

template <class Real> HD double LinearDescent<Real>::length_at(double t) const {
  if (settings_.length == StepLength::optimal) return 1 / (settings_.alpha * (first_length_ + t - 1));
  if (settings_.length == StepLength::invscaling) return settings_.eta0 / std::pow(t, settings_.power_t);
  return eta;
}

template <class Real> double LinearDescent<Real>::squared_norm(std::int64_t row) const {
  const Real* x = rows_.x + row * rows_.columns;
  auto n = std::size_t(rows_.columns);
  if (rows_.starts) {
    SparseRow<Real> sparse;
    check(sparse_row(row, sparse), "indptr");
    x = sparse.values;
    n = sparse.n;
  }
  double sum = 0;
  for (std::size_t k = 0; k < n; ++k) sum += double(x[k]) * double(x[k]);
  return sum;
}

// What the penalty of the weights before a step, and of the intercept, adds to the sums of the epoch.
template <class Real> void LinearDescent<Real>::watch(double rows, double before) {
  if (settings_.length >= StepLength::pa1 || !settings_.sums_objective) return;
  const double l1 = settings_.l1_ratio;
  if (settings_.penalized) penalties_ += rows * settings_.alpha * ((1 - l1) * 0.5 * squares_ + l1 * magnitudes_);
  if (settings_.one_class) penalties_ += rows * before * settings_.alpha;
}

// By an index: classes come in no order that a branch could foresee.
template <class Real> double LinearDescent<Real>::weight_of(std::int64_t row) const {
  return class_weights_[rows_.y[row] > 0] * double(rows_.sample_weight[row]);
}

// The step to come, but for its way along rows.
template <class Real> HD void LinearDescent<Real>::next_step(Step& step) const {
  const DescentSettings& s = settings_;
  step.eta = length_at(t);
  step.shrink = s.penalized && s.l1_ratio < 1 ? std::max(0.0, 1 - (1 - s.l1_ratio) * step.eta * s.alpha) : 1;
  step.cut = s.penalized ? s.l1_ratio * step.eta * s.alpha : 0;
  step.averages = s.average_from > 0 && s.average_from <= t;
  step.take = step.averages ? 1 / (t - s.average_from + 1) : 0;
}

// False: the row is passed over, and is no step. Inlined: each step waits for the numbers of the last.
template <class Real> HD bool LinearDescent<Real>::plan(std::int64_t row, double p, Step& step) {
  const DescentSettings& s = settings_;
  double factor = 1;
  const LossAtPoint at = s.loss->at(double(rows_.y[row]), p, s.loss_setting, factor);
  losses_.add(at.value, factor);
  next_step(step);
  if (s.length >= StepLength::pa1) return plan_aggressive(row, at, step);
  step.along = -step.eta * weight_of(row) * bounded_slope(at.slope);
  return true;
}

template <class Real>
bool LinearDescent<Real>::plan_aggressive(std::int64_t row, const LossAtPoint& at, Step& step) const {
  const DescentSettings& s = settings_;
  const double norm = squared_norm(row);
  if (s.length == StepLength::pa1 && norm == 0) return false;
  const double length =
      s.length == StepLength::pa1 ? std::min(s.eta0, at.value / norm) : at.value / (norm + 0.5 / s.eta0);
  step.along = (at.slope > 0 ? -length : at.slope < 0 ? length : 0) * weight_of(row);
  return true;
}

// The intercept, which no penalty shrinks; then the next step.
template <class Real> HD void LinearDescent<Real>::finish(const Step& step, double along, double share) {
  if (settings_.fit_intercept) intercept += (along - (settings_.one_class ? step.eta * settings_.alpha : 0)) * share;
  if (step.averages) average_intercept += (intercept - average_intercept) * step.take;
  ++t;
}

// The row at a place in the order. Behind the last place it is the last row, whose numbers are then not used.
template <class Real> inline const Real* LinearDescent<Real>::row_at(std::int64_t at) const {
  return rows_.x + std::int64_t(order_[std::size_t(std::min(at, rows_.rows - 1))]) * rows_.columns;
}

// Begins to fetch a row that comes after one at a place in the order, and gives one that comes sooner.
template <class Real> HD const Real* LinearDescent<Real>::fetch_dense(std::int64_t at) const {
  if (!is_far_) return rows_.x;
  if (at + rows_ahead < rows_.rows) {
    fetch_target<2>(order_[std::size_t(at + rows_ahead)]);
    fetch_bytes<2>(row_at(at + rows_ahead), std::size_t(rows_.columns) * sizeof(Real));
  }
  return row_at(at + rows_soon);
}

template <class Real> void LinearDescent<Real>::begin_dense() {
  std::copy_n(w_, rows_.columns, aligned_w_.data());
  if (average_) std::copy_n(average_, rows_.columns, aligned_average_.data());
}
template <class Real> void LinearDescent<Real>::end_dense() {
  std::copy_n(aligned_w_.data(), rows_.columns, w_);
  if (average_) std::copy_n(aligned_average_.data(), rows_.columns, average_);
}

template <class Real> void LinearDescent<Real>::run_dense(std::int64_t first, std::int64_t last) {
  begin_dense();
  if (received_.data()) {
    run_truncated(first, last);
  } else {
    Pairs at = begin_pairs(first, last);
    TwoSums sums = at.sums;  // in registers, as are the places
    std::int64_t here = at.here, after = at.after;
    while (here < last) step_pair(at.work, sums, at.pair, here, after, last);
  }
  end_dense();
}

template <class Real>
void LinearDescent<Real>::run_side_by_side(const std::vector<LinearDescent*>& all, std::int64_t first,
                                           std::int64_t count) {
  std::vector<std::pair<LinearDescent*, Pairs>> in_pairs;
  for (LinearDescent* const one : all) {
    const std::int64_t last = std::min(first + count, one->rows_.rows);
    if (last <= first) continue;
    if (one->rows_.starts || one->received_.data()) {
      one->run(first, last - first);
    } else {
      one->begin_dense();
      in_pairs.emplace_back(one, one->begin_pairs(first, last));
    }
  }
  for (bool goes_on = !in_pairs.empty(); goes_on;) {
    goes_on = false;
    for (auto& [one, at] : in_pairs) {
      if (at.here >= at.last) continue;
      one->step_pair(at.work, at.sums, at.pair, at.here, at.after, at.last);
      goes_on = true;
    }
  }
  for (auto& [one, at] : in_pairs) one->end_dense();
}

template <class Real>
typename LinearDescent<Real>::Pairs LinearDescent<Real>::begin_pairs(std::int64_t first, std::int64_t last) {
  const auto& loops = loops_of<Real>(kernels().linear);
  Pairs at;
  const std::size_t n = at.work.n = std::size_t(rows_.columns);
  at.work.w = aligned_w_.data();
  at.work.counts = settings_.sums_objective;
  at.last = last;
  at.here = at.after = next_of(first, last);
  if (at.here == last) return at;
  at.after = next_of(at.here + 1, last);
  const Real *const one = at.work.next[0] = row_at(at.here), *const other = at.work.next[1] = row_at(at.after);
  at.sums = {loops.dot(at.work.w, one, n), loops.dot(at.work.w, other, n)};
  at.pair = {loops.dot(one, other, n), {squares_, squares_}};
  return at;
}

// Two rows at a time: the sum of the second with the weights is linear in the step along the first, and so known from
// its sum with the weights before that step and from the product of both rows. The weights then move along both at
// once.
template <class Real>
HD void LinearDescent<Real>::step_pair(TwoSteps<Real>& work, TwoSums& sums, PairSums& pair, std::int64_t& here,
                                       std::int64_t& after, std::int64_t last) {
  const auto& loops = loops_of<Real>(kernels().linear);
  const std::int64_t third = next_of(after + 1, last), fourth = next_of(third + 1, last);
  for (const int k : {0, 1}) work.x[k] = work.next[k];
  work.next[0] = row_at(third);
  work.next[1] = row_at(fourth);
  work.ahead[0] = fetch_dense(third);
  work.ahead[1] = fetch_dense(fourth);
  // A row that is passed over, or is not there, is a step that moves nothing.
  double along[2];
  const auto step_at = [&](std::int64_t at, int k, double sum) INLINED {
    Step step;
    if (at < last && plan(order_[std::size_t(at)], sum + intercept, step))
      finish(step, step.along, settings_.intercept_share);
    else
      step = {0, 1, 0, 0, false};
    work.shrink[k] = step.shrink;
    work.take[k] = step.take;
    along[k] = step.along;
    return step.shrink * sums.second + step.along * pair.across;
  };
  if (settings_.sums_objective) watch(1, intercept);
  const double sum = step_at(here, 0, sums.first), between = intercept;
  step_at(after, 1, sum);
  work.average = work.take[0] + work.take[1] > 0 ? aligned_average_.data() : nullptr;
  sums = loops.two_steps(work, along[0], along[1], pair);
  if (settings_.sums_objective) {
    squares_ = pair.squares[0];
    if (after < last) watch(1, between);
    squares_ = pair.squares[1];
  }
  here = third;
  after = fourth;
}

// With l1's penalty the sum of the next row is known when the weights are truncated.
template <class Real> void LinearDescent<Real>::run_truncated(std::int64_t first, std::int64_t last) {
  const auto& loops = loops_of<Real>(kernels().linear);
  std::int64_t here = next_of(first, last);
  if (here == last) return;
  DenseStep<Real> work{};
  work.n = std::size_t(rows_.columns);
  work.w = aligned_w_.data();
  work.q = received_.data();
  work.counts = settings_.sums_objective;
  double sum = loops.dot(work.w, row_at(here), work.n);
  while (here < last) {
    const std::int64_t after = next_of(here + 1, last);
    work.ahead = fetch_dense(after);
    work.x = row_at(here);
    work.next = row_at(after);
    if (settings_.sums_objective) watch(1, intercept);
    Step step;
    if (plan(order_[std::size_t(here)], sum + intercept, step)) {
      shrunk_ *= step.shrink;
      if (shrunk_ < smallest_scale<Real>) {
        shrunk_ = 1;
        share_ = 0;
      }
      work.average = step.averages ? aligned_average_.data() : nullptr;
      if (step.averages) {
        work.take = step.take;
        // scikit-learn's average takes a truncation as if it had been there from the start.
        work.truncated = share_ = share_ / (step.shrink > 0 ? step.shrink : 1) * (1 - step.take) + step.take;
      }
      sum = step_dense(step, work);
      finish(step, step.along, settings_.intercept_share);
    } else {
      sum = loops.dot(work.w, work.next, work.n);
    }
    here = after;
  }
}

// One step over all weights, along work.x: their sum with work.next.
template <class Real> double LinearDescent<Real>::step_dense(const Step& step, DenseStep<Real>& work) {
  total_ += step.cut;
  work.shrink = step.shrink;
  work.total = total_;
  Norms norms{};
  const double sum = loops_of<Real>(kernels().linear).step(work, step.along, norms);
  if (!work.q) {
    squares_ = norms.squares;
  } else if (step.along != 0) {
    squares_ = norms.squares;
    magnitudes_ = norms.magnitudes;
  } else {
    squares_ *= step.shrink * step.shrink;
    magnitudes_ *= step.shrink;
  }
  return sum;
}

template <class Real> void LinearDescent<Real>::run_sparse(std::int64_t first, std::int64_t last) {
  const auto& loops = loops_of<Real>(kernels().linear);
  const bool counts = settings_.sums_objective;
  for (std::int64_t at = first; at < last; ++at) {
    const std::int64_t row = order_[std::size_t(at)];
    if (at + 2 * rows_ahead < rows_.rows) __builtin_prefetch(rows_.starts + order_[std::size_t(at + 2 * rows_ahead)]);
    if (at + rows_ahead < rows_.rows) fetch_row<2>(order_[std::size_t(at + rows_ahead)]);
    if (at + rows_soon < rows_.rows) fetch_row<3>(order_[std::size_t(at + rows_soon)]);
    if (!trains(row)) continue;
    SparseRow<Real> x;
    check(sparse_row(row, x), "indptr");
    bool good;
    const double sum = loops.sparse_dot(x, w_, good);
    check(good, "indices");
    if (settings_.sums_objective) watch(1, intercept);
    Step step;
    if (!plan(row, sum * scale_ + intercept, step)) continue;
    total_ += step.cut;
    scale_ *= step.shrink;
    squares_ *= step.shrink * step.shrink;
    magnitudes_ *= step.shrink;
    if (scale_ < smallest_scale<Real>) settle();
    const double unscaled = 1 / scale_;  // known before the step's way along the row
    if (step.along != 0) {
      Norms reached{};
      check(loops.sparse_add(x, Real(step.along * unscaled), w_, counts ? &reached : nullptr), "indices");
      squares_ = reached.squares * scale_ * scale_;
      magnitudes_ = reached.magnitudes * scale_;
    }
    if (step.averages) {
      check(loops.sparse_add(x, Real(-average_a_ * step.along * unscaled), average_, nullptr), "indices");
      if (step.take < 1) average_b_ /= 1 - step.take;
      average_a_ += step.take * average_b_ * scale_;
    }
    finish(step, step.along, settings_.intercept_share);
    if (received_.data()) check(loops.sparse_truncate(x, total_, scale_, w_, received_.data()), "indices");
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
