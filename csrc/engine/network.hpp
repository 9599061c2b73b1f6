// Layers in a row, and one pass over a batch: forward, loss, backward, update.
#pragma once

#include <cstddef>
#include <variant>
#include <vector>

#include "engine/buffer.hpp"
#include "engine/plan.hpp"
#include "engine/scores.hpp"
#include "layers/all.hpp"

namespace gs {

template <class List> struct VariantOf;
template <class... Any> struct VariantOf<TypeList<Any...>> {
  using type = std::variant<Any...>;
};
using AnyLayer = VariantOf<Layers>::type;

/// Layers and their weights, which lie in one arena, each on a border of its own, zeros at the start.
template <class Real> class Network {
 public:
  /// treatments (layer, weight): empty, or one for each weight; their shapes are filled in.
  Network(std::size_t inputs, std::vector<AnyLayer> layers, std::vector<std::vector<Treatment>> treatments = {});

  const std::size_t inputs;
  std::size_t outputs;
  const std::vector<AnyLayer> layers;
  std::vector<std::vector<Real*>> weights;  // (layer, weight)
  std::vector<std::vector<Treatment>> treatments;
  std::size_t work = 0;  // multiplications a row in one forward pass

  /// Sets them. Passes that were made before keep those they were made with, and must not be used any more.
  void treat(std::vector<std::vector<Treatment>> given);
  /// What the weights' penalties add to the loss.
  double penalty() const;
  /// Whether a layer has a weight that is trained.
  bool learns(std::size_t layer) const;

 private:
  Buffer<Real> arena_;
};

/// What a pass is for.
enum class Goal {
  predict,   // outputs
  score,     // outputs, the loss and metrics of each row
  gradient,  // those, and all gradients, stored
  train,     // those, and the step of every weight
};

/// How rows are scored: the loss, whether the network's outputs are logits, and what else is measured.
struct Scoring {
  const ScoreInfo* loss = nullptr;
  bool from_logits = false;
  std::vector<const ScoreInfo*> metrics;
};

/// A network's work on batches of one size: its buffers and its plan.
template <class Real> class Pass {
 public:
  /// weights (layer, weight): where they lie and what their gradients do; mover: how a step moves them.
  /// source: what the numbers of x will be.
  Pass(const Network<Real>& network, std::size_t batch, Goal goal, const Scoring& scoring,
       std::vector<std::vector<Weight<Real>>> weights, const Mover& mover, Source source);

  /// Reads x and targets as set.
  void run(Crew& crew) { plan_.run(crew, scratch_); }

  /// What the weights' penalties added to the loss of the last run; only with gradients.
  double penalty() const { return plan_.penalty(); }

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

  /// Threads that this much work is worth, and scratch for each.
  int threads();

  const std::size_t batch;
  std::vector<const void*> x;               // (batch): the rows
  std::vector<const void*> targets;         // (batch): to a row of numbers, or one label
  std::vector<std::vector<double>> values;  // (loss and metrics, batch)
  Real* outputs = nullptr;                  // (batch, outputs)
  Real* dx = nullptr;                       // (batch, inputs), for Goal::gradient

 private:
  struct Io {
    Rows x;
    Real *z, *y, *dy, *dx;
    const std::vector<Weight<Real>>* weights;
    const Weight<Real>* weight(std::size_t i) const { return &(*weights)[i]; }
  };
  void make_slopes();
  void plan_loss(const Scoring& scoring, bool of_logits, const Io& last);

  const Network<Real>& network_;
  const bool backward_;
  std::vector<std::vector<Weight<Real>>> weights_;
  Plan<Real> plan_;
  Buffer<Real> memory_, slopes_;
  std::vector<Buffer<Real>> scratch_;
};

}  // namespace gs
