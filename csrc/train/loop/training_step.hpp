// One step of what trains a network's weights, on a batch: one pass or two, the update, what comes after it.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "runtime/buffer.hpp"
#include "train/curvature/natural_step.hpp"
#include "train/pass/executor.hpp"
#include "update/stepper.hpp"

namespace gs {

/// What comes after a step that was not refused: the walks that end with it, constraints, proximal penalties.
template <class Real>
void follow_step(const std::vector<std::vector<Weight<Real>>>& weights, const Stepper& stepper, ThreadTeam& team);

template <class Real> class TrainingStep {
 public:
  /// weights (layer, weight): those of the network, whose state this fills in. stepper: null where nothing is trained.
  TrainingStep(std::vector<std::vector<Weight<Real>>>& weights, const std::vector<Scoring>& scorings, Stepper* stepper);

  /// How a pass updates weights at once.
  const UpdateEpilogue& epilogue() const { return epilogue_; }
  /// Whether a step takes two passes, which needs gradients of the first before the second.
  bool is_twofold() const { return stepper_ && stepper_->sharpness; }
  /// Whether the last step since `forget` was refused.
  bool is_refused() const { return refused_; }
  void forget() { refused_ = false; }

  /// Whether as many steps wait for rows as can be.
  bool is_full() const;
  /// All rows take the steps that wait for them. Without a team.
  void flush_rows();

  /// Whether a step is one update of each weight by its gradient, and nothing else.
  bool is_plain() const {
    return stepper_ && !curvature_ && !follows_ && by_rows_.empty() && stepper_->lookaheads.empty() &&
           !stepper_->sharpness && !stepper_->needs_whole();
  }
  /// Such a step: update() applies the epilogue to every gradient.
  template <class Update> void run_plain(Update update) {
    stepper_->begin(&epilogue_.kernels);
    update();
    stepper_->count();
  }

  /// Where an executor stores gradients: in buffers, if they are wanted whole, or so that a long pass can be cancelled;
  /// the weights are then updated at the end, to the same bits. other: one that may store them too, or null.
  void choose_places(Executor<Real>& executor, const Executor<Real>* other);

  /// pass() runs the executor; count() takes up what it found at the weights as they were; in_team(f) calls f with a
  /// team. If something fails, or is refused, weights and statistics are as before.
  template <class Pass, class InTeam, class Count>
  void run(Executor<Real>& executor, Pass pass, InTeam in_team, Count count) {
    const bool at_once = stepper_ && !executor.stores(), twofold = is_twofold();
    refused_ = false;
    if (stepper_) stepper_->begin(at_once ? &epilogue_.kernels : nullptr);
    if (!by_rows_.empty()) prepare_rows(at_once);
    if (twofold) executor.read_statistics(before_);
    if (curvature_) curvature_->begin(executor);
    const auto go_back = [&] {
      if (curvature_) curvature_->undo();
      if (twofold)
        executor.write_statistics(before_);
      else
        executor.restore_statistics();
    };
    try {
      pass();
      if (twofold) {
        count();
        pass_uphill(executor, pass, in_team);
      }
      if (at_once && !by_rows_.empty()) add_rows();
      if (at_once) stepper_->count();
      if (stepper_ && !at_once) in_team([&](ThreadTeam& team) { step(executor, team); });
    } catch (...) {
      go_back();
      throw;
    }
    if (refused_)
      go_back();
    else if (stepper_ && (follows_ || stepper_->meets()))
      in_team([&](ThreadTeam& team) { follow_step(weights_, *stepper_, team); });
    if (!twofold) count();
  }

 private:
  /// The step by stored gradients.
  void step(Executor<Real>& executor, ThreadTeam& team) {
    std::optional<ThreadTeam::Whole> whole;  // its curvature is part of the step
    if (curvature_) {
      whole.emplace(team);
      curvature_->apply(executor, team);
    }
    refused_ = !stepper_->step(team);
    if (curvature_) curvature_->end();
  }
  /// The second pass of SAM, from the neighbour and back: it leaves its gradients, and of the executor what the first
  /// one left.
  template <class Pass, class InTeam> void pass_uphill(Executor<Real>& executor, Pass pass, InTeam in_team) {
    executor.read_statistics(after_);
    keep_outputs(executor);
    in_team([&](ThreadTeam& team) { stepper_->climb(team); });
    try {
      pass();
    } catch (...) {
      stepper_->come_back(nullptr);
      throw;
    }
    in_team([&](ThreadTeam& team) { stepper_->come_back(&team); });
    executor.write_statistics(after_);
    put_back_outputs(executor);
  }
  void prepare_rows(bool at_once);
  void add_rows();
  void keep_outputs(const Executor<Real>& executor);
  void put_back_outputs(Executor<Real>& executor) const;

  const std::vector<std::vector<Weight<Real>>>& weights_;
  std::deque<RowSteps> by_rows_;     // of tables of which batches read rows
  std::vector<std::size_t> tables_;  // (of those): which weights they are
  std::vector<bool> wanted_;         // (output): whether its numbers are read after a step
  Stepper* const stepper_;
  UpdateEpilogue epilogue_;
  std::unique_ptr<NaturalStep<Real>> curvature_;  // where an optimizer steps by it
  bool follows_ = false;                          // whether something is done to a weight after each step
  bool refused_ = false;
  Buffer<Real> gradients_;
  std::vector<Real*> places_;  // (weight), in gradients_; empty while no executor needs them
  const Layout contiguous_{};
  std::vector<Real> before_, after_;        // statistics: before the step, and after its first pass
  std::vector<std::vector<Real>> outputs_;  // (output)
};

}  // namespace gs
