#include "train/loop/training_step.hpp"

#include <algorithm>
#include <utility>

namespace gs {

template <class Real>
void follow_step(const std::vector<std::vector<Weight<Real>>>& weights, const Stepper& stepper, ThreadTeam& team) {
  stepper.meet(team);
  for (const auto& layer : weights)
    for (const auto& weight : layer) {
      const WeightAttributes& t = *weight.attributes;
      if (!t.follows_steps()) continue;
      const bool shrinks = t.penalty.proximal != 0 && stepper.has_stepped(weight.number);
      constrain(weight.w, t, shrinks ? t.penalty.proximal * stepper.learning_rate(weight.number) : 0, team);
    }
}

template <class Real>
TrainingStep<Real>::TrainingStep(std::vector<std::vector<Weight<Real>>>& weights, const std::vector<Scoring>& scorings,
                                 Stepper* stepper)
    : weights_(weights), stepper_(stepper) {
  for (const Scoring& scoring : scorings) wanted_.push_back(scoring.outputs);
  if (stepper && NaturalStep<Real>::is_needed(*stepper))
    curvature_ = std::make_unique<NaturalStep<Real>>(weights, scorings, *stepper);
  for (auto& layer : weights)
    for (auto& weight : layer) {
      follows_ |= weight.attributes->follows_steps();
      if (!stepper || !weight.trainable()) continue;
      const auto& state = stepper->owners()[weight.number].parameter->state;
      std::copy(state.begin(), state.end(), weight.state);
      if (!weight.attributes->by_rows) continue;
      by_rows_.push_back({stepper->owners()[weight.number].parameter});
      tables_.push_back(weight.number);
      weight.by_rows = &by_rows_.back();
    }
}

template <class Real> void TrainingStep<Real>::prepare_rows(bool at_once) {
  for (std::size_t k = 0; k < tables_.size(); ++k) {
    by_rows_[k].active = stepper_->may_wait(tables_[k]);
    by_rows_[k].all = !at_once;
    if (by_rows_[k].active) stepper_->prepare_rows(tables_[k]);
  }
}

template <class Real> void TrainingStep<Real>::add_rows() {
  for (std::size_t k = 0; k < tables_.size(); ++k)
    if (by_rows_[k].active && by_rows_[k].gradient)
      stepper_->add_rows(tables_[k], *epilogue_.kernels[tables_[k]], by_rows_[k].gradient->rows);
}

template <class Real> bool TrainingStep<Real>::is_full() const {
  return std::any_of(by_rows_.begin(), by_rows_.end(), [](const RowSteps& steps) {
    return steps.parameter->pending && steps.parameter->pending->full();
  });
}

template <class Real> void TrainingStep<Real>::flush_rows() {
  for (const RowSteps& steps : by_rows_) flush(*steps.parameter);
}

template <class Real> void TrainingStep<Real>::choose_places(Executor<Real>& executor, const Executor<Real>* other) {
  if (!stepper_ || stepper_->owners().empty()) return;
  const bool wanted = stepper_->needs_whole() || executor.is_long();
  if (wanted == executor.stores()) return;
  if (!wanted) {
    executor.store_gradients({});
    if (other && other->stores()) return;
    gradients_ = Buffer<Real>(0);
    places_.clear();
    stepper_->take({});
    return;
  }
  if (places_.empty()) {
    std::size_t size = 0;
    for (const auto& owner : stepper_->owners()) size += align<Real>(owner.parameter->layout.size);
    gradients_ = Buffer<Real>(size);
    Real* next = gradients_.data();
    std::vector<ParamGrad> gradients;
    for (const auto& [optimizer, parameter] : stepper_->owners()) {
      places_.push_back(next);
      gradients.push_back({parameter, reinterpret_cast<const std::byte*>(next), &contiguous_, parameter->dtype});
      next += align<Real>(parameter->layout.size);
    }
    stepper_->take(std::move(gradients));
  }
  executor.store_gradients(places_);
}

template <class Real> void TrainingStep<Real>::keep_outputs(const Executor<Real>& executor) {
  outputs_.resize(wanted_.size());
  for (std::size_t k = 0; k < wanted_.size(); ++k) {
    const Head<Real>& head = executor.heads[k];
    if (wanted_[k]) outputs_[k].assign(head.outputs, head.outputs + head.rows * head.n);
  }
}

template <class Real> void TrainingStep<Real>::put_back_outputs(Executor<Real>& executor) const {
  for (std::size_t k = 0; k < wanted_.size(); ++k)
    if (wanted_[k]) std::copy(outputs_[k].begin(), outputs_[k].end(), executor.heads[k].outputs);
}

template void follow_step(const std::vector<std::vector<Weight<float>>>&, const Stepper&, ThreadTeam&);
template void follow_step(const std::vector<std::vector<Weight<double>>>&, const Stepper&, ThreadTeam&);
template class TrainingStep<float>;
template class TrainingStep<double>;

}  // namespace gs
