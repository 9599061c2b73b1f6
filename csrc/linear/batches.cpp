// Steps by the mean gradient of a batch of rows.
#include <algorithm>

#include "kernels/products/matrix_layout.hpp"
#include "linear/step.hpp"
#include "runtime/dispatch.hpp"

namespace gs {
namespace {

// How a batch is cut, and from which size on for more than one thread, depends on sizes alone.
constexpr std::size_t rows_of_chunk = 32, most_chunks = 16;
constexpr double least_work = 1 << 15;  // numbers of a batch

}  // namespace

// The gradient of the sum of the losses of some rows. Must not throw: it runs on any thread.
template <class Real>
void LinearDescent<Real>::add_rows(const std::int32_t* rows, std::size_t count, Chunk& chunk, Real* gradient) const {
  const auto& loops = loops_of<Real>(kernels().linear);
  const auto n = std::size_t(rows_.columns);
  chunk = {{}, 0, true};
  std::fill_n(gradient, n, Real(0));
  for (std::size_t k = 0; k < count; ++k) {
    if (k + rows_ahead < count) fetch_row<2>(rows[k + rows_ahead]);
    if (k + rows_soon < count) fetch_row<3>(rows[k + rows_soon]);
    const std::int64_t row = rows[k];
    const Real* const x = rows_.x + row * rows_.columns;
    SparseRow<Real> sparse{};
    double sum = 0;
    if (!rows_.starts)
      sum = loops.dot(w_, x, n);
    else if ((chunk.good = sparse_row(row, sparse)))
      sum = loops.sparse_dot(sparse, w_, chunk.good);
    if (!chunk.good) return;
    double factor = 1;
    const LossAtPoint at = settings_.loss->at(double(rows_.y[row]), sum + intercept, settings_.loss_setting, factor);
    chunk.losses.add(at.value, factor);
    const double slope = bounded_slope(at.slope) * weight_of(row);
    if (slope == 0) continue;
    chunk.slopes += slope;
    if (rows_.starts)
      loops.sparse_add(sparse, Real(slope), gradient, nullptr);
    else
      loops.add(x, slope, gradient, n);
  }
}

// gradients_ begins with the gradient of the mean loss of the rows -> its slope in the intercept.
template <class Real>
double LinearDescent<Real>::gradient_of(const std::vector<std::int32_t>& rows, std::size_t chunk_rows,
                                        ThreadTeam& team) {
  const auto n = std::size_t(rows_.columns);
  const std::size_t chunks = (rows.size() + chunk_rows - 1) / chunk_rows;
  team.stage(chunks, [&](std::size_t chunk, int) {
    const std::size_t first = chunk * chunk_rows;
    add_rows(rows.data() + first, std::min(chunk_rows, rows.size() - first), chunks_[chunk],
             gradients_.data() + chunk * n);
  });
  double slopes = 0;
  for (std::size_t chunk = 0; chunk < chunks; ++chunk) {
    check(chunks_[chunk].good, "indices");
    slopes += chunks_[chunk].slopes;
    losses_.values += chunks_[chunk].losses.value();
    if (chunk > 0) add_to(gradients_.data(), gradients_.data() + chunk * n, n);
  }
  const Real share = Real(1 / double(rows.size()));
  for (std::size_t j = 0; j < n; ++j) gradients_[j] *= share;
  return slopes * double(share);
}

template <class Real> void LinearDescent<Real>::run_batches(std::int64_t batch, const OutsideStep<Real>* outside) {
  const auto n = std::size_t(rows_.columns);
  batch = std::min(batch, rows_.rows);
  // A chunk of sparse rows must be worth adding up its whole gradient.
  const double numbers = rows_.starts ? double(rows_.stored) / double(rows_.rows) : double(rows_.columns);
  const std::size_t useful = rows_.starts ? std::size_t(double(batch) * numbers / (4 * double(n))) : most_chunks;
  const std::size_t pieces = std::max(std::size_t(1), std::min(most_chunks, useful));
  const std::size_t chunk_rows = std::max(rows_of_chunk, (std::size_t(batch) + pieces - 1) / pieces);
  const std::size_t chunks = (std::size_t(batch) + chunk_rows - 1) / chunk_rows;
  chunks_.resize(chunks);
  gradients_.resize(chunks * n);
  const bool is_small = double(batch) * numbers < least_work;
  ThreadTeam::run(is_small ? 1 : threads_for(chunks), [&](ThreadTeam& team) {
    std::vector<std::int32_t> rows;
    for (std::int64_t at = 0; at < rows_.rows;) {
      team.poll();
      for (rows.clear(); at < rows_.rows && std::int64_t(rows.size()) < batch; ++at)
        if (trains(order_[std::size_t(at)])) rows.push_back(order_[std::size_t(at)]);
      if (rows.empty()) return;
      const double slope = gradient_of(rows, chunk_rows, team);
      outside ? step_outside(slope, double(rows.size()), *outside) : step_by_gradient(slope, double(rows.size()));
    }
  });
}

template <class Real> void LinearDescent<Real>::step_by_gradient(double intercept_slope, double rows) {
  watch(rows, intercept);
  Step step;
  next_step(step);
  step.along = -step.eta;
  const Real* const gradient = gradients_.data();
  DenseStep<Real> work{
      std::size_t(rows_.columns),         gradient, gradient, gradient,  w_,        received_.data(),
      step.averages ? average_ : nullptr, 1,        0,        step.take, step.take, settings_.sums_objective};
  step_dense(step, work);
  finish(step, -step.eta * intercept_slope, 1);
}

// l1's penalty by its slope, 0 at 0.
template <class Real>
void LinearDescent<Real>::step_outside(double intercept_slope, double rows, const OutsideStep<Real>& outside) {
  const DescentSettings& s = settings_;
  const auto n = std::size_t(rows_.columns);
  std::copy_n(gradients_.data(), n, outside.gradient);
  const double alpha = s.penalized ? s.alpha : 0;
  const PenaltySums sums = regularize_loops<Real>().penalize(w_, outside.gradient, nullptr, alpha * s.l1_ratio,
                                                             alpha * (1 - s.l1_ratio) / 2, MatrixLayout(n));
  squares_ = sums.squares;
  magnitudes_ = sums.sizes;
  watch(rows, intercept);
  *outside.intercept_gradient = Real(intercept_slope);
  outside.step();
  intercept = double(*outside.intercept);
  Step step;
  next_step(step);
  if (step.averages) {
    for (std::size_t j = 0; j < n; ++j) average_[j] += Real(step.take) * (w_[j] - average_[j]);
    average_intercept += (intercept - average_intercept) * step.take;
  }
  ++t;
}

template void LinearDescent<float>::run_batches(std::int64_t, const OutsideStep<float>*);
template void LinearDescent<double>::run_batches(std::int64_t, const OutsideStep<double>*);

}  // namespace gs
