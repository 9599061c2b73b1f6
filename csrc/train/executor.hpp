// One pass over a batch: forward, loss, backward, update.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "graph/schedule.hpp"
#include "runtime/buffer.hpp"
#include "train/network.hpp"
#include "train/scores.hpp"

namespace gs {

/// What an executor is for.
enum class Mode {
  predict,   // outputs
  score,     // outputs, the loss and metrics of each row
  gradient,  // those, and all gradients, stored
  train,     // those, and the step of every weight
};

/// Runs a network on batches of one size: its buffers and its schedule.
template <class Real> class Executor {
 public:
  /// weights (layer, weight): where they lie and what their gradients do; epilogue: how a step updates them.
  /// source: what the numbers of x will be.
  Executor(const Network<Real>& network, std::size_t batch, Mode mode, const Scoring& scoring,
           std::vector<std::vector<Weight<Real>>> weights, const UpdateEpilogue& epilogue, Source source);

  /// Reads x and targets as set. It can be cancelled if it `is_long` and `stores`; statistics that layers
  /// update themselves are then as before.
  void run(ThreadTeam& team) { run(team, 0, schedule_.stages()); }

  /// What the weights' penalties added to the loss of the last run; only with gradients.
  double penalty() const { return schedule_.penalty(); }

  /// The same in two halves, where the caller computes the loss: up to the outputs; and from dy on.
  void run_forward(ThreadTeam& team) { run(team, 0, schedule_.backward_stage()); }
  void run_backward(ThreadTeam& team) { run(team, schedule_.backward_stage(), schedule_.stages()); }

  /// Whether a run takes so long that one should be able to cancel it: by what the last one took.
  bool is_long() const;
  /// Whether runs store all gradients, and so update no weight that is trained.
  bool stores() const { return stores_; }
  /// From now on gradients are stored there, a place for each weight that is trained; without places they update
  /// weights.
  void store_gradients(const std::vector<Real*>& places);
  /// Puts statistics that layers update themselves back to before the last run; only of one that `stores`.
  void restore_statistics();

  /// As run, adding each stage's seconds to times (stage).
  void run_timed(ThreadTeam& team, std::vector<double>& times);
  const Schedule<Real>& schedule() const { return schedule_; }
  bool backward() const { return backward_; }

  /// The pass that the next run is part of, which random numbers depend on; and row i of it.
  void begin(std::uint32_t number) { schedule_.number = number; }
  void set_row(std::size_t i, std::int64_t id, const void* from) {
    schedule_.ids[i] = id;
    x[i] = from;
  }

  std::size_t columns() const { return network_.outputs; }  // of outputs and dy

  /// Sample weights and mask of the rows as set; null: each 1, all. The arrays are read while this runs.
  void set_sample_weights(const double* weights, const std::uint8_t* mask);
  /// Of the batch, after a run.
  double loss() const { return reduction_.loss(values[0].data()); }
  double total() const { return reduction_.total(values[0].data()); }  // loss times batch

  /// Threads that this much work is worth, and scratch for each.
  int threads();

  const std::size_t batch;
  std::vector<const void*> x;               // (batch): the rows
  std::vector<const void*> targets;         // (batch): to a row of numbers, or one label
  std::vector<std::vector<double>> values;  // (loss and metrics, batch)
  Real* outputs = nullptr;                  // (batch, outputs)
  Real* dy = nullptr;  // (batch, outputs), the loss's gradient by them; null without a backward pass
  Real* dx = nullptr;  // (batch, inputs), for Mode::gradient

 private:
  struct LayerBuffers {
    IndirectionBuffer x;
    Real *z, *y, *dy, *dx;
    const std::vector<Weight<Real>>* weights;
    const Weight<Real>* weight(std::size_t i) const { return &(*weights)[i]; }
  };
  void make_penalty_gradients();
  void run(ThreadTeam& team, std::size_t first, std::size_t last);
  void save_statistics();
  void schedule_loss(const Scoring& scoring, bool of_logits, const LayerBuffers& last);

  const Network<Real>& network_;
  const bool backward_;
  LossUse loss_;
  LossReduction given_, reduction_;   // what rows count for: as given, and as the loss then sees it
  std::vector<double> scales_;        // (batch): gradient of the batch's loss by each row's
  std::vector<std::uint8_t> counts_;  // (batch), of a loss that is only_positive
  std::vector<std::vector<Weight<Real>>> weights_;
  Schedule<Real> schedule_;
  bool stores_ = true;
  double seconds_ = 0;            // that the last run took; 0: there was none
  std::vector<Real> statistics_;  // before the last run
  Buffer<Real> memory_, penalty_gradients_;
  std::vector<Buffer<Real>> scratch_;
};

}  // namespace gs
