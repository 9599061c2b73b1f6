// One pass over a batch: forward, loss, backward, update.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "graph/plan.hpp"
#include "runtime/buffer.hpp"
#include "train/network.hpp"
#include "train/scores.hpp"

namespace gs {

/// What a pass is for.
enum class Goal {
  predict,   // outputs
  score,     // outputs, the loss and metrics of each row
  gradient,  // those, and all gradients, stored
  train,     // those, and the step of every weight
};

/// A network's work on batches of one size: its buffers and its plan.
template <class Real> class Pass {
 public:
  /// weights (layer, weight): where they lie and what their gradients do; mover: how a step moves them.
  /// source: what the numbers of x will be.
  Pass(const Network<Real>& network, std::size_t batch, Goal goal, const Scoring& scoring,
       std::vector<std::vector<Weight<Real>>> weights, const Mover& mover, Source source);

  /// Reads x and targets as set. It can be cancelled if it `is_long` and `stores`; what layers move by themselves is
  /// then as before.
  void run(Crew& crew) { run(crew, 0, plan_.phases()); }

  /// What the weights' penalties added to the loss of the last run; only with gradients.
  double penalty() const { return plan_.penalty(); }

  /// The same in two halves, where somebody else knows the loss: up to the outputs; and from dy on.
  void run_forward(Crew& crew) { run(crew, 0, plan_.border()); }
  void run_backward(Crew& crew) { run(crew, plan_.border(), plan_.phases()); }

  /// Whether a run takes so long that one should be able to cancel it: by what the last one took.
  bool is_long() const;
  /// Whether runs leave all gradients, and so move no weight that is trained.
  bool stores() const { return stores_; }
  /// From now on gradients are left there, a place for each weight that is trained; without places they move weights.
  void leave_gradients(const std::vector<Real*>& places);
  /// What layers move by themselves is as before the last run; only of one that `stores`.
  void put_back();

  /// As run, adding each phase's seconds to times (phase).
  void run_timed(Crew& crew, std::vector<double>& times);
  const Plan<Real>& plan() const { return plan_; }
  bool backward() const { return backward_; }

  /// The pass that the next run is part of, which random numbers depend on; and row i of it.
  void begin(std::uint32_t number) { plan_.number = number; }
  void set_row(std::size_t i, std::int64_t id, const void* from) {
    plan_.ids[i] = id;
    x[i] = from;
  }

  std::size_t columns() const { return network_.outputs; }  // of outputs and dy

  /// What the rows as set count for; null: each 1, all. The arrays are read while the pass runs.
  void weigh(const double* weights, const std::uint8_t* mask);
  /// Of the batch, after a run.
  double loss() const { return shares_.loss(values[0].data()); }
  double total() const { return shares_.total(values[0].data()); }  // loss times batch

  /// Threads that this much work is worth, and scratch for each.
  int threads();

  const std::size_t batch;
  std::vector<const void*> x;               // (batch): the rows
  std::vector<const void*> targets;         // (batch): to a row of numbers, or one label
  std::vector<std::vector<double>> values;  // (loss and metrics, batch)
  Real* outputs = nullptr;                  // (batch, outputs)
  Real* dy = nullptr;                       // (batch, outputs), the loss's slope by them; null without a backward pass
  Real* dx = nullptr;                       // (batch, inputs), for Goal::gradient

 private:
  struct Io {
    Rows x;
    Real *z, *y, *dy, *dx;
    const std::vector<Weight<Real>>* weights;
    const Weight<Real>* weight(std::size_t i) const { return &(*weights)[i]; }
  };
  void make_slopes();
  void run(Crew& crew, std::size_t first, std::size_t last);
  void keep_moving();
  void plan_loss(const Scoring& scoring, bool of_logits, const Io& last);

  const Network<Real>& network_;
  const bool backward_;
  LossUse loss_;
  Shares given_, shares_;             // what rows count for: as it was said, and as the loss then sees it
  std::vector<double> scales_;        // (batch): slope of the batch's loss by each row's
  std::vector<std::uint8_t> counts_;  // (batch), of a loss that is only_positive
  std::vector<std::vector<Weight<Real>>> weights_;
  Plan<Real> plan_;
  bool stores_ = true;
  double seconds_ = 0;        // that the last run took; 0: there was none
  std::vector<Real> moving_;  // before the last run
  Buffer<Real> memory_, slopes_;
  std::vector<Buffer<Real>> scratch_;
};

}  // namespace gs
