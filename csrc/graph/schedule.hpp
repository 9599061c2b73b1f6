// The schedule of one pass over a batch, built once per batch size and run many times: stages, each of jobs that do not
// depend on one another. Layers and losses add the operations below; the schedule fuses an activation with the product
// before it, and lets the update of a weight share a stage with the next product, since nothing waits for it.
#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "graph/columns.hpp"
#include "graph/jobs.hpp"
#include "kernels/indirection.hpp"
#include "runtime/buffer.hpp"
#include "runtime/threads.hpp"

namespace gs {

template <class Real> class Schedule : public ColumnOperations<Schedule<Real>, Real> {
 public:
  Schedule(std::size_t batch, bool training, const UpdateEpilogue& epilogue)
      : batch(batch), training(training), ids(batch), epilogue_(epilogue) {}

  // -- the operations --------------------------------------------------------------------------------------------

  // x (batch, in), w (in, out), b (out) or null -> z (batch, out)
  void product(IndirectionBuffer x, const Weight<Real>* w, const Weight<Real>* b, Real* z, std::size_t in,
               std::size_t out) {
    add(std::make_unique<ProductJob<Real>>(
        Product<Real>{x, 0, false, w->w, out, false, b ? b->w : nullptr, z, out, batch, out, in}));
  }

  // dz (batch, out), w (in, out) -> dx = dz w^T (batch, in)
  void input_grad(const Real* dz, const Weight<Real>* w, Real* dx, std::size_t in, std::size_t out) {
    add(std::make_unique<ProductJob<Real>>(
        Product<Real>{row_pointers(dz, out), 0, false, w->w, out, true, nullptr, dx, in, batch, in, out}));
  }

  // x (batch, in), dz (batch, out) -> dw = x^T dz, which updates w (in, out)
  void weight_grad(IndirectionBuffer x, const Real* dz, const Weight<Real>* w, std::size_t in, std::size_t out) {
    if (!w->trainable()) return;
    add_grad_job(std::make_unique<WeightGradJob<Real>>(
        Product<Real>{x, 0, true, dz, out, false, nullptr, nullptr, out, in, out, batch}, *w, epilogue_));
  }

  // dz (batch, out) -> db = its rows summed, which updates b (out)
  void bias_grad(const Real* dz, const Weight<Real>* b, std::size_t out) {
    if (!b->trainable()) return;
    add_grad_job(std::make_unique<BiasGradJob<Real>>(dz, batch, out, *b, epilogue_));
  }

  // g (n): the gradient of w (n), which it updates
  void apply_grad(const Real* g, const Weight<Real>* w, std::size_t n) {
    if (!w->trainable()) return;
    add_grad_job(std::make_unique<BiasGradJob<Real>>(g, 1, n, *w, epilogue_));
  }

  // z (batch, n) -> y = f(z) (batch, n); y may be z
  void activate(const ActivationUse& activation, Real* z, Real* y, std::size_t n) {
    const auto& f = kernels().map.of[activation.index];
    const MapForward forward = f.forward[dtype_of<Real>()];
    if (activation.is<Linear>() && z == y) return;
    if (last_ && last_->whole.c == z && !f.rowwise) {
      last_->forward = forward;
      last_->settings = activation.settings;
      last_->y = y;
    } else {
      rows(n, [=](std::size_t first, std::size_t count) {
        forward(activation.settings.data(), z + first * n, y + first * n, MatrixLayout(count, n, n));
      });
    }
  }

  // dy (batch, n) times the derivative of f at z, where y = f(z), in place
  void activation_grad(const ActivationUse& activation, Real* z, Real* y, Real* dy, std::size_t n) {
    if (activation.is<Linear>()) return;
    const auto& f = kernels().map.of[activation.index];
    const MapBackward backward = f.backward[dtype_of<Real>()];
    if (last_ && last_->whole.c == dy && !f.rowwise) {
      last_->backward = backward;
      last_->settings = activation.settings;
      last_->z = z;
      last_->y = y;
    } else {
      rows(n, [=](std::size_t first, std::size_t count) {
        const std::size_t at = first * n;
        backward(activation.settings.data(), z + at, y + at, dy + at, dy + at, MatrixLayout(count, n, n));
      });
    }
  }

  // x (batch, n) -> y (batch, n)
  void copy(IndirectionBuffer x, Real* y, std::size_t n) {
    rows(n, [=](std::size_t first, std::size_t count) { read(x, first, count, y, n); });
  }
  void copy(const Real* x, Real* y, std::size_t n) { copy(row_pointers(x, n), y, n); }

  // x (batch, n) -> y (batch, n): numbers are 0 with probability rate, else divided by 1 - rate. The same ones in every
  // pass with the same number over the same rows.
  void drop(IndirectionBuffer x, Real* y, std::size_t n, double rate, std::uint64_t key) {
    const double most = std::uint32_t(-1);
    const auto threshold = std::uint32_t(std::min(most, std::nearbyint(rate * (most + 1))));
    const double scale = rate < 1 ? 1 / (1 - rate) : 0;
    draw(kernels().drop.drop[dtype_of<Real>()], x, y, n, threshold, scale, key);
  }

  // x (batch, n) -> y = x + deviation z, or x (1 + deviation z), with z standard normal; drawn as `drop` draws.
  void noise(IndirectionBuffer x, Real* y, std::size_t n, double deviation, bool multiply, std::uint64_t key) {
    const auto& table = kernels().drop;
    draw((multiply ? table.multiply : table.add)[dtype_of<Real>()], x, y, n, 0, deviation, key);
  }

  /// work(first row, how many) over all rows of the batch; n: elements a row, for the size of chunks; or all at once.
  template <class Work> void rows(std::size_t n, Work work, bool at_once = false) {
    const std::size_t block = at_once ? batch : std::max<std::size_t>(1, 8192 / std::max<std::size_t>(n, 1));
    add(std::make_unique<RowsJob<Real, Work>>(batch, block, std::move(work)));
  }

  /// work(first column, how many) over n columns of the batch.
  template <class Work> void columns(std::size_t n, Work work) {
    add(std::make_unique<RowsJob<Real, Work>>(n, 64, std::move(work)));
  }

  /// work() on one thread, before what comes next.
  template <class Work> void first(Work work) {
    const auto alone = [work](std::size_t, std::size_t) { work(); };
    add(std::make_unique<RowsJob<Real, decltype(alone)>>(1, 1, alone));
  }

  /// Memory for n numbers that lives as long as the schedule.
  Real* workspace(std::size_t n) {
    workspaces_.emplace_back(n);
    return workspaces_.back().data();
  }

  /// These numbers, where they live as long as the schedule.
  Real* constant(const std::vector<double>& numbers) {
    Real* const at = workspace(numbers.size());
    std::copy(numbers.begin(), numbers.end(), at);
    return at;
  }

  /// Rows [first, first + count) of x -> those of y (batch, n)
  static void read(IndirectionBuffer x, std::size_t first, std::size_t count, Real* y, std::size_t n) {
    x.at += first;
    products<Real>().gather(x, count, n, y + first * n, n);
  }

  /// The gradient of the orthogonal penalty of a weight, and its value, before its update.
  void orthogonal_penalty(const Weight<Real>* w) {
    orthogonal_penalties_.push_back(std::make_unique<double>());
    const auto work = [w, value = orthogonal_penalties_.back().get()](std::size_t, std::size_t) {
      WeightAttributes alone = *w->attributes;
      alone.penalty.l1 = alone.penalty.proximal = alone.penalty.l2 = 0;
      *value = penalty_at(w->w, alone, w->penalty_gradient);
    };
    defer(std::make_unique<RowsJob<Real, decltype(work)>>(1, 1, work));
  }

  /// The penalties of all weights that are trained, before their updates.
  double penalty() const {
    double sum = 0;
    for (const GradJob<Real>* job : grad_jobs_) sum += job->penalty();
    for (const auto& value : orthogonal_penalties_) sum += *value;
    return sum;
  }

  /// Pointers to the rows of a matrix of row length n; they live as long as the schedule.
  IndirectionBuffer row_pointers(const Real* matrix, std::size_t n) {
    std::vector<const void*> pointers(batch);
    for (std::size_t i = 0; i < batch; ++i) pointers[i] = matrix + i * n;
    row_pointers_.push_back(std::move(pointers));
    return {row_pointers_.back().data(), source_of<Real>};
  }

  /// Whether x's rows are those of a matrix of this schedule, as they are.
  bool lies_at(IndirectionBuffer x, const Real* matrix) const {
    return x.is_plain<Real>() && batch > 0 && x.at[0] == matrix;
  }

  /// What is added from here on is the backward pass, which can be run on its own, later.
  void begin_backward() { backward_ = stages_.size(); }
  std::size_t backward_stage() const { return backward_; }

  // -- running it ------------------------------------------------------------------------------------------------

  /// To be called once all is added.
  void finish() {
    if (!deferred_.empty()) stages_.emplace_back();
    take_deferred();
    for (const Stage& stage : stages_)
      for (const auto& job : stage.jobs) scratch_ = std::max(scratch_, job->scratch);
  }

  /// Elements of scratch that each thread needs.
  std::size_t scratch() const { return scratch_; }

  /// One pass; scratch: a buffer a thread.
  void run(ThreadTeam& team, const std::vector<Buffer<Real>>& scratch) const { run(team, scratch, 0, stages()); }
  /// Its stages from `first` to before `last`.
  void run(ThreadTeam& team, const std::vector<Buffer<Real>>& scratch, std::size_t first, std::size_t last) const {
    for (std::size_t k = first; k < last; ++k) run_stage(k, team, scratch);
  }

  std::size_t stages() const { return stages_.size(); }
  void run_stage(std::size_t k, ThreadTeam& team, const std::vector<Buffer<Real>>& scratch) const {
    const Stage& stage = stages_[k];
    team.stage(stage.chunks, [&](std::size_t chunk, int thread) {
      for (const auto& job : stage.jobs) {
        if (chunk < job->chunks) return job->run(chunk, scratch[std::size_t(thread)].data());
        chunk -= job->chunks;
      }
    });
  }
  /// What a stage does: "product 32x784x256 + learn 784x256".
  std::string stage_name(std::size_t k) const {
    std::string name;
    for (const auto& job : stages_[k].jobs) name += (name.empty() ? "" : " + ") + job->name();
    return name;
  }

  const std::size_t batch;
  const bool training;
  std::vector<std::int64_t> ids;  // (batch): which rows of the data set these are
  std::uint32_t number = 0;       // of the pass over the data

 private:
  // x (batch, n) -> y (batch, n), each number changed by random bits that belong to its row and column
  void draw(Drop work, IndirectionBuffer x, Real* y, std::size_t n, std::uint32_t threshold, double scale,
            std::uint64_t key) {
    rows(n, [=](std::size_t first, std::size_t count) {
      read(x, first, count, y, n);
      work(y + first * n, count, n, ids.data() + first, Draw{key, number, threshold, scale});
    });
  }

  struct Stage {
    std::vector<std::unique_ptr<Job<Real>>> jobs;
    std::size_t chunks = 0;

    void add(std::unique_ptr<Job<Real>> job) {
      chunks += job->chunks;
      jobs.push_back(std::move(job));
    }
  };

  // A separate stage, because it reads what the stages before it wrote; deferred jobs join it.
  template <class Any> void add(std::unique_ptr<Any> job) {
    if constexpr (std::is_same_v<Any, ProductJob<Real>>)
      last_ = job.get();
    else
      last_ = nullptr;
    stages_.emplace_back();
    stages_.back().add(std::move(job));
    take_deferred();
  }

  void add_grad_job(std::unique_ptr<GradJob<Real>> job) {
    grad_jobs_.push_back(job.get());
    defer(std::move(job));
  }

  // To run beside whatever comes next: it must leave alone what a deferred job reads.
  void defer(std::unique_ptr<Job<Real>> job) { deferred_.push_back(std::move(job)); }

  void take_deferred() {
    for (auto& job : deferred_) stages_.back().add(std::move(job));
    deferred_.clear();
  }

  const UpdateEpilogue& epilogue_;
  std::vector<Stage> stages_;
  std::vector<std::unique_ptr<Job<Real>>> deferred_;
  std::vector<const GradJob<Real>*> grad_jobs_;
  ProductJob<Real>* last_ = nullptr;  // the product that an activation may still join
  std::vector<std::vector<const void*>> row_pointers_;
  std::vector<Buffer<Real>> workspaces_;
  std::vector<std::unique_ptr<double>> orthogonal_penalties_;  // values of orthogonal penalties
  std::size_t scratch_ = 0, backward_ = 0;
};

}  // namespace gs
