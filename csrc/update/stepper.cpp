#include "update/stepper.hpp"

#include <algorithm>
#include <utility>

namespace gs {

Stepper::Stepper(std::vector<Optimizer*> optimizers, std::vector<Owner> owners)
    : owners_(std::move(owners)), part_of_(owners_.size()) {
  for (std::size_t k = 0; k < optimizers.size(); ++k) {
    Part part{optimizers[k], {}};
    for (std::size_t weight = 0; weight < owners_.size(); ++weight)
      if (owners_[weight].optimizer == k) part.weights.push_back(weight);
    if (!part.weights.empty() || optimizers.size() == 1) parts_.push_back(std::move(part));
  }
  // What can be cancelled comes first, when nothing has been written.
  std::stable_partition(parts_.begin(), parts_.end(), [](const Part& part) { return part.optimizer->rule.orthogonal; });
  for (std::size_t k = 0; k < parts_.size(); ++k)
    for (const std::size_t weight : parts_[k].weights) part_of_[weight] = k;
}

bool Stepper::needs_whole() const {
  return sharpness ||
         std::any_of(parts_.begin(), parts_.end(), [](const Part& part) { return part.optimizer->needs_whole(); });
}

bool Stepper::may_wait(std::size_t weight) const {
  const Optimizer& optimizer = *parts_[part_of_[weight]].optimizer;
  const Options& options = optimizer.options;
  return lookaheads.empty() && !sharpness && !optimizer.needs_whole() && !optimizer.rule.factored &&
         !optimizer.rule.orthogonal && !options.average && !options.lazy && options.storage == Storage::real &&
         owners_[weight].parameter->layout.contiguous;
}

void Stepper::prepare_rows(std::size_t weight) {
  Parameter& parameter = *owners_[weight].parameter;
  if (!parameter.pending) parameter.pending = std::make_unique<PendingSteps>(std::size_t(parameter.layout.shape[0]));
  parameter.pending->prepare(parts_[part_of_[weight]].optimizer->starts(parameter));
}

void Stepper::add_rows(std::size_t weight, const UpdateKernel& kernel, const std::vector<std::int64_t>& rows) {
  owners_[weight].parameter->pending->add(kernel, 1, rows);
}

void Stepper::begin(std::vector<const UpdateKernel*>* kernels) {
  for (Part& part : parts_) part.steps = part.optimizer->t;
  walked_.clear();
  for (const Lookahead& lookahead : lookaheads) walked_.push_back(lookahead.steps());
  if (!kernels) return;
  kernels->resize(owners_.size());
  for (const Part& part : parts_) {
    part.optimizer->load_hyperparameters();
    for (const std::size_t weight : part.weights)
      (*kernels)[weight] = &part.optimizer->update_kernel(*owners_[weight].parameter);
  }
}

void Stepper::count() {
  for (const Part& part : parts_) {
    for (const std::size_t weight : part.weights) part.optimizer->count_step(*owners_[weight].parameter);
    part.optimizer->count();
  }
}

void Stepper::take(std::vector<ParamGrad> gradients) {
  for (Part& part : parts_) {
    part.gradients.clear();
    for (const std::size_t weight : part.weights)
      if (!gradients.empty()) part.gradients.push_back(gradients[weight]);
  }
  gradients_ = std::move(gradients);
  make_neighbour();
}

void Stepper::set_order(std::vector<std::size_t> order) {
  if (order == order_) return;
  order_ = std::move(order);
  make_neighbour();
}

void Stepper::make_neighbour() {
  std::vector<ParamGrad> ordered;
  for (const std::size_t weight : order_)
    if (!gradients_.empty()) ordered.push_back(gradients_[weight]);
  neighbour_.take(std::move(ordered));
}

bool Stepper::refuse(const Part& part) {
  refusing_ = part.optimizer;
  culprit_ = part.weights[part.optimizer->culprit];
  return false;
}

bool Stepper::step(ThreadTeam& team) {
  refusing_ = nullptr;
  for (const Part& part : parts_)
    if (parts_.size() > 1 && !part.optimizer->admits(part.gradients, &team)) return refuse(part);
  std::optional<ThreadTeam::Whole> whole;
  for (const Part& part : parts_) {
    const Optimizer::Outcome outcome = part.optimizer->step(part.gradients, &team);
    if (outcome == Optimizer::Outcome::nonfinite && part.optimizer->options.nonfinite == Options::Nonfinite::raise)
      return refuse(part);
    if (!whole) whole.emplace(team);
  }
  return true;
}

bool Stepper::meets() const {
  for (std::size_t k = 0; k < lookaheads.size(); ++k)
    if (ends(k)) return true;
  return false;
}

void Stepper::meet(ThreadTeam& team) const {
  for (std::size_t k = 0; k < lookaheads.size(); ++k)
    if (ends(k)) gs::meet(lookaheads[k].weights, lookaheads[k].part, &team);
}

void Stepper::climb(ThreadTeam& team) { neighbour_.climb(sharpness->rho, sharpness->adaptive, &team); }

bool Stepper::has_stepped(std::size_t weight) const {
  const Part& part = parts_[part_of_[weight]];
  return part.optimizer->t > part.steps;
}

double Stepper::learning_rate(std::size_t weight) const {
  return parts_[part_of_[weight]].optimizer->learning_rate(*owners_[weight].parameter);
}

}  // namespace gs
