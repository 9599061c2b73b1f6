// Passes over a data set: time slices of training steps, scores, predictions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/guard.hpp"
#include "train/loop/data.hpp"
#include "train/loop/row_order.hpp"
#include "train/loop/training_step.hpp"
#include "train/pass/executor.hpp"
#include "update/stepper.hpp"

namespace gs {

/// Sets all rows of data, in their order, to be run at once.
template <class Real>
void set_all_rows(Executor<Real>& executor, const Network<Real>& network, const Data& data, std::uint32_t number);

/// What a pass has found so far.
struct Totals {
  std::size_t batches = 0, rows = 0;  // done in this pass
  // Over the rows done: of the loss; of the loss of each output, without its factor; of the metrics, output by output.
  double loss_total = 0;
  std::vector<double> head_totals{}, metric_totals{};
  std::vector<double> head_counts{};  // (output): rows done that its metrics count, parts of them where some are masked
};

/// Training steps with an optimizer, scores without one. One pass over the rows at a time, a slice of it at a time.
template <class Real> class TrainLoop : public Totals {
 public:
  /// stepper: what updates the network's trained weights, in order; or null. gradients: where those of the last batch
  /// are left, a place for each weight, for the caller to read; mostly empty. With both a step is made of several
  /// passes: batches leave their gradients there and change no weight, and `update` steps by what the caller puts
  /// there. in_shards: whether batches are shards of larger ones, so that `advance` also ends where an exchange is due.
  TrainLoop(const Network<Real>& network, std::vector<Scoring> scorings, const Data& data, std::size_t batch_size,
            Stepper* stepper, std::vector<Real*> gradients = {}, bool in_shards = false);

  /// Other data from now on; a pass must be started over it.
  void take(const Data& data);
  /// Begins a pass over these rows, in this order; number: of the pass, which random numbers depend on. They depend on
  /// each row's number too, or on what ids, as many, have in its place. by_buckets: of shards, whether `advance` also
  /// ends where the gradients of a bucket are made.
  void start(RowOrder order, std::uint32_t number, std::vector<std::int64_t> ids = {}, bool by_buckets = false);
  /// Of a loop that leaves gradients, after start: sets the trained weights to x, and sum to the gradient of the mean
  /// over the rows of the pass, to which each batch adds its share. places (weight): where each begins in both.
  void sum_gradients(const Real* x, double* sum, const std::vector<std::size_t>& places);
  /// Whether the trained weights are x.
  bool is_at(const Real* x, const std::vector<std::size_t>& places) const;
  /// Runs whole batches, at least one, until `seconds` have passed or a thread waits for the guard. Returns whether
  /// the pass is over. Stops at a step that the optimizer does not make because a gradient is not finite, if it is to
  /// raise; see `refused`. Stops before a batch with an invalid label, which was written after labels were checked; see
  /// `bad_label`.
  bool advance(double seconds, const Guard& guard);
  /// Of a loop of shards: what is due in the midst of a batch, or null; all that a batch of full size asks for; and the
  /// sum over all shards for the one of this number, also where this loop has no rows of the batch.
  const Exchange* due() const { return is_within_ ? last_->due() : nullptr; }
  std::vector<const Exchange*> exchanges() { return executor(batch_size_).exchanges(); }
  void take_sum(std::size_t number, const double* total, bool moves);
  /// See `Executor::buckets`.
  std::vector<std::pair<std::size_t, std::size_t>> buckets() { return executor(batch_size_).buckets(); }
  /// Whether another loop takes its steps over the same rows, as far as it is, so that both can be taken together; of
  /// networks of one narrow Dense layer. any_order: whatever the orders of the rows are.
  bool goes_with(const TrainLoop& other, bool any_order = false) const;
  /// As `advance`, of loops that go with each other, on one thread: step by step, each row is read once for all. The
  /// same bits as one after another. Ends early where one has to; they may then be apart.
  static bool advance_together(const std::vector<TrainLoop*>& loops, double seconds,
                               const std::vector<const Guard*>& guards);
  /// Of a loop with a stepper that leaves gradients: a step by what is there now. False if the optimizer refuses it.
  bool update();
  bool refused() const { return step_.is_refused(); }
  /// Such a label.
  struct BadLabel {
    std::size_t output = 0;
    std::int64_t row = -1, label = 0;  // row -1: there is none
  };
  const BadLabel& bad_label() const { return bad_label_; }
  /// What ran last, with the outputs of its heads; null before the first batch. They are overwritten by the next batch;
  /// with a last activation that the loss absorbs they are there only if the Scoring asks for them.
  const Executor<Real>* last() const { return last_; }

  /// Asks the caller for the loss of an output that it computes, on rows of the data: what it adds to that of the
  /// batch. own: the same without its factor; dy (rows, numbers of the output): its gradient, or null. It may throw.
  using AskLoss = std::function<double(std::size_t output, const Head<Real>& head, const std::int64_t* rows,
                                       std::size_t count, double& own, Real* dy)>;
  AskLoss ask_loss = nullptr;

  /// As advance, and the seconds that full batches spent in each stage of a step, by the stage's name.
  std::vector<std::pair<std::string, double>> profile(double seconds);

  /// Steps until the pass is over; and of one over so many rows.
  std::size_t steps_left() const { return steps_of(order_.size() - rows); }
  std::size_t steps_of(std::size_t count) const { return (count + batch_size_ - 1) / batch_size_; }

 private:
  Executor<Real>& executor(std::size_t batch);
  /// Forgets the executors, where what they stand on has changed.
  void drop_executors();
  /// The penalty of weights that nothing updates.
  void find_penalty();
  /// times: see Executor::run_timed; null: no clock.
  void step(ThreadTeam& team, Executor<Real>& executor, std::vector<double>* times = nullptr);
  /// The same of a network, or losses, of which a part is computed elsewhere, without a team.
  void step(Executor<Real>& executor);
  class Together;
  /// The layer of a network that is nothing else, if steps of several can be taken together; null: it is not.
  const Dense* narrow_layer() const;
  bool is_apart(const Executor<Real>& executor) const { return executor.has_externals() || executor.has_halves(); }
  void pass(Executor<Real>& executor);
  /// Whoever reads the weights between slices sees rows with all their steps.
  struct RowsUpToDate {
    TrainingStep<Real>& step;
    ~RowsUpToDate() { step.flush_rows(); }
  };
  /// What the caller's losses add to that of the batch, into by_caller_; without their factors into own_.
  void ask_losses(Executor<Real>& executor);
  /// Of a shard: up to the next exchange, or to the end of the batch.
  bool advance_shard();
  /// The next rows into the executor; false at an invalid label.
  bool set_rows(Executor<Real>& executor);
  /// Begins to move the rows of the batch after the next `batch` ones into the cache.
  void fetch_next(std::size_t batch) const;
  bool set_labels(std::size_t output, Head<Real>& head);
  void set_targets(std::size_t output, Head<Real>& head);
  /// A step on the rows that were set; found() counts them. If it fails, nothing has been counted.
  template <class Pass, class InTeam, class Found>
  void take_step(Executor<Real>& executor, Pass pass, InTeam in_team, Found found);
  /// What heads found in a batch is in the totals, with the caller's losses, and with the penalty.
  void count(const std::vector<Head<Real>>& heads, std::size_t batch, double penalty);
  void count(const Executor<Real>& executor) {
    const double penalty = executor.backward() ? executor.penalty() : penalty_;
    count(executor.heads, executor.batch, penalty + executor.value_penalty());
  }
  void add_gradients(ThreadTeam& team, std::size_t batch);

  const Network<Real>& network_;
  const std::vector<Scoring> scorings_;  // (output)
  Data data_;
  const std::size_t batch_size_;
  Stepper* const stepper_;
  std::vector<std::vector<Weight<Real>>> weights_;
  TrainingStep<Real> step_;
  Totals before_;     // a step of two passes
  const bool given_;  // gradients are left for others
  const bool in_shards_;
  bool by_buckets_ = false;          // of shards: whether `advance` ends where a bucket is complete
  bool is_within_ = false;           // of a shard: whether there is more of the batch to be run
  bool has_asked_ = false;           // whether the caller has computed its losses of that batch
  const Layout contiguous_{};        // of those, of a loop that is told to update
  double penalty_ = 0;               // of the weights, where nothing updates them
  double* sum_ = nullptr;            // of the gradients of a pass; null: they are not summed
  std::vector<std::size_t> places_;  // (weight), in it
  Executor<Real>* last_ = nullptr;
  std::size_t at_ = 0;       // where its batch begins in order_
  double by_caller_ = 0;     // what the caller's losses added to that of the last batch
  std::vector<double> own_;  // (output), those losses without their factors
  /// Of the rows of a batch: copies, which nobody else can change once they are checked.
  struct Selected {
    std::vector<double> weights;
    std::vector<std::uint8_t> mask;
    std::vector<std::int64_t> labels;
  };
  std::vector<Selected> selected_;  // (output)
  BadLabel bad_label_;
  RowOrder order_;                 // of the pass
  std::vector<std::int64_t> ids_;  // none: the rows' numbers
  std::uint32_t number_ = 0;
  std::unique_ptr<Executor<Real>> whole_, rest_;  // for full batches, and for a short last one
};

template <class Real>
template <class Pass, class InTeam, class Found>
void TrainLoop<Real>::take_step(Executor<Real>& executor, Pass pass, InTeam in_team, Found found) {
  if (!step_.is_twofold()) return step_.run(executor, pass, in_team, found);
  before_ = *this;
  try {
    step_.run(executor, pass, in_team, found);
  } catch (...) {
    static_cast<Totals&>(*this) = before_;
    throw;
  }
}

}  // namespace gs
