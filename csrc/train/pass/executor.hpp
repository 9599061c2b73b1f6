// One pass over a batch: forward, losses, backward, update.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "graph/call.hpp"
#include "graph/schedule.hpp"
#include "runtime/buffer.hpp"
#include "train/curvature/curvature_plan.hpp"
#include "train/outputs/head.hpp"
#include "train/outputs/scores.hpp"
#include "train/plan/network.hpp"

namespace gs {

/// What an executor is for.
enum class Mode {
  predict,    // outputs
  score,      // outputs, the losses and metrics of each row
  gradient,   // those, and all gradients, stored
  train,      // those, and the step of every weight
  tangent,    // outputs, and how they move where inputs and weights do
  curvature,  // products of the Gauss-Newton matrix with directions of the weights, stored as gradients are
  roots,      // what comes back of Slopes::roots, stored as gradients are
};

/// Of a tangent pass, beside the directions of the weights.
struct TangentUse {
  std::vector<bool> inputs{};  // which of them move
  bool inference = false;      // whether layers compute as in inference
};

/// Runs a network on batches of one size: its buffers and its schedule.
template <class Real> class Executor {
 public:
  /// scorings (output): how each is scored; empty: none is.
  /// weights (layer, weight): where they lie and what their gradients do; epilogue: how a step updates them.
  /// sources (input): what the numbers of each will be. in_shards: whether batches are shards of larger ones.
  Executor(const Network<Real>& network, std::size_t batch, Mode mode, std::vector<Scoring> scorings,
           std::vector<std::vector<Weight<Real>>> weights, const UpdateEpilogue& epilogue,
           const std::vector<Source>& sources, const TangentUse& tangent = {}, bool in_shards = false);

  /// Whether a part of a pass is computed elsewhere, so that it cannot be run within a team.
  bool has_externals() const { return !schedule_.externals.empty(); }

  /// Reads inputs and targets as set. It can be cancelled if it `is_long` and `stores`; statistics that layers
  /// update themselves are then as before. Of a network without externals.
  void run(ThreadTeam& team);
  /// Runs any network; makes the thread teams itself. A failure restores the statistics, as cancelling does.
  void run() { run({}, schedule_.end()); }

  /// What the weights' penalties added to the loss of the last run, only with gradients; and what values added.
  double penalty() const { return schedule_.penalty(); }
  double value_penalty() const { return schedule_.value_penalty(); }

  /// The same in two halves, where the caller computes a loss: up to the outputs; and from dy on.
  void run_forward() { run({}, schedule_.backward); }
  void run_backward() { run(schedule_.backward, schedule_.end()); }
  bool has_halves() const { return by_caller_; }

  /// The same from one exchange of a shard to the next: from `begin_run` on, until one is due, or to the end of the
  /// first half, or of all; true at that end. by_buckets: until the gradients of a bucket are made, too.
  void begin_run(bool by_buckets);
  bool run_on(bool to_end);
  /// Which one is due, if it is an exchange.
  const Exchange* due() const { return due_ ? due_->exchange.get() : nullptr; }
  std::vector<const Exchange*> exchanges() const;
  /// Of each bucket how many exchanges come before it, and the first weight of it; the last one ends with the pass.
  std::vector<std::pair<std::size_t, std::size_t>> buckets() const;

  /// What layers whose curvature is found leave of a pass; and what makes their directions of it, by whoever does that.
  const std::vector<CurvatureTap<Real>>& taps() const { return schedule_.taps; }
  std::unique_ptr<CurvaturePlan<Real>> curvature;
  /// Asked between the forward and the backward pass of a run within a team, where there are taps; empty: nobody is.
  std::function<void(ThreadTeam&)> before_backward = nullptr;
  /// Goes back once more, from the gradients by the outputs as they are. Within `before_backward`.
  void go_back(ThreadTeam& team) { run_stages(team, schedule_.backward.stage, schedule_.stages.count()); }

  /// Whether a second backward pass would find what the first one did; if not, the forward pass is to come before it.
  bool repeats_backward() const;
  void go_forward_again(ThreadTeam& team) {
    restore_statistics();
    run_stages(team, 0, schedule_.backward.stage);
  }

  /// Whether a run takes so long that one should be able to cancel it: by what the last one took.
  bool is_long() const;
  /// Whether runs store all gradients, and so update no weight that is trained.
  bool stores() const { return stores_; }
  /// From now on gradients are stored there, a place for each weight that is trained; without places they update
  /// weights.
  void store_gradients(const std::vector<Real*>& places);
  /// Puts statistics that layers update themselves back to before the last run, if that could have failed.
  void restore_statistics() { write_statistics(statistics_); }
  /// All of them -> to; and from there, unless that is empty.
  void read_statistics(std::vector<Real>& to) const;
  void write_statistics(const std::vector<Real>& from);

  /// As run, adding each stage's seconds to times (stage).
  void run_timed(ThreadTeam& team, std::vector<double>& times);
  const Stages<Real>& stages() const { return schedule_.stages; }
  bool backward() const { return backward_; }

  /// The pass that the next run is part of, which random numbers depend on; the number of row i of it; and where an
  /// input has each row i, at(i).
  void begin(std::uint32_t number) { schedule_.number = number; }
  void set_id(std::size_t i, std::int64_t id) { schedule_.ids[i] = id; }
  template <class At> void set_rows(std::size_t input, const At& at) {
    if (SparseBatch<Real>* const x = sparse_[input].get()) {
      for (std::size_t i = 0; i < batch; ++i) x->set_row(i, at(i));
      return;
    }
    for (DataView& view : views_[input]) {
      const std::size_t parts = view.pointers.size() / batch, step = row_sizes_[input] / parts;
      const void** to = view.pointers.data();
      for (std::size_t i = 0; i < batch; ++i) {
        const std::byte* const row = at(i);
        for (std::size_t k = 0; k < parts; ++k) *to++ = row + k * step;
      }
    }
  }

  /// Where a sparse input has the entries of all its rows.
  void set_entries(std::size_t input, const Entries& from) { sparse_[input]->take(from); }

  /// Of the batch, after a run: the sum of those of the heads.
  double loss() const;

  /// Threads that this much work is worth, and scratch for each.
  int threads();

  const std::size_t batch;
  std::vector<Head<Real>> heads;  // (output)
  std::vector<Matrix<Real>> dx;   // (input), of rows (batch); of Mode::gradient, and of Mode::tangent, to be given
  std::vector<Matrix<Real>> dy;   // (output), of Mode::tangent: how it moves; without memory if it does not

 private:
  void make_penalty_gradients();
  /// The directions of weights, those that a layer has none of as zeros beside others.
  void make_directions();
  using Place = typename Schedule<Real>::Place;
  void run(Place first, Place last);
  /// From `at` on, until an exchange or bucket is due, which is given, or to the end: null.
  const ExternalCall<Real>* advance(Place& at, Place last, bool by_buckets = false);
  void run_stages(ThreadTeam& team, std::size_t first, std::size_t last);
  void save_statistics();

  const Network<Real>& network_;
  const bool backward_, inference_;
  const std::vector<AnyLayer> layers_;  // that stand for the network's, if any do
  std::vector<std::vector<Weight<Real>>> weights_, directions_;
  Schedule<Real> schedule_;
  std::vector<std::deque<DataView>> views_;                 // (input)
  std::vector<std::size_t> row_sizes_;                      // (input), bytes
  std::vector<std::unique_ptr<SparseBatch<Real>>> sparse_;  // (input), null where it is dense
  bool stores_ = true;
  bool by_caller_ = false;        // whether the caller computes a loss
  double seconds_ = 0;            // that the last run took; 0: there was none
  std::vector<Real> statistics_;  // before the last run
  Place at_;                      // how far `run_on` has come
  const ExternalCall<Real>* due_ = nullptr;
  bool by_buckets_ = false;
  Buffer<Real> memory_, penalty_gradients_;
  std::vector<Buffer<Real>> scratch_;
};

}  // namespace gs
