#include "train/curvature/natural_step.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "train/curvature/diagonal_plan.hpp"
#include "train/curvature/fisher.hpp"

namespace gs {
namespace {

/// The first weight that is stepped so; the number of weights if there is none.
std::size_t first_curved(const Stepper& stepper) {
  std::size_t weight = 0;
  while (weight < stepper.owners().size() && stepper.owners()[weight].parameter->outputs == 0) ++weight;
  return weight;
}

}  // namespace

template <class Real> bool NaturalStep<Real>::is_needed(const Stepper& stepper) {
  return first_curved(stepper) < stepper.owners().size();
}

template <class Real>
NaturalStep<Real>::NaturalStep(std::vector<std::vector<Weight<Real>>>& weights, const std::vector<Scoring>& scorings,
                               const Stepper& stepper)
    : optimizer_(stepper.optimizer_of(first_curved(stepper))),
      sum_(std::any_of(scorings.begin(), scorings.end(),
                       [](const Scoring& one) { return one.loss.info && one.loss.reduction == Reduction::sum; })) {
  const Curvature settings = optimizer_.rule.curvature(optimizer_.groups[0].values.data());
  for (const Scoring& scoring : scorings)
    if (settings.sampled && (scoring.by_caller || (scoring.loss.info && !has_distribution(scoring.loss))))
      throw std::invalid_argument(
          "fisher=\"true\" draws targets from the model's outputs, which takes a loss that is the negative logarithm "
          "of "
          "a distribution: categorical_crossentropy, sparse_categorical_crossentropy, binary_crossentropy or "
          "mean_squared_error; got " +
          std::string(scoring.by_caller ? "a loss written in Python" : scoring.loss.info->name) +
          ". fisher=\"empirical\" takes any loss.");
  for (auto& layer : weights)
    for (auto& weight : layer) {
      if (!weight.trainable()) continue;
      const Parameter& p = *stepper.owners()[weight.number].parameter;
      weight.is_curved = p.outputs > 0;
      const auto slot = [&](int s) { return static_cast<Real*>(p.state[std::size_t(s)]); };
      if (weight.is_curved && settings.diagonal) arrays_.emplace_back(slot(1), p.layout.size);
      if (settings.diagonal || p.inputs == 0) continue;
      layers_.push_back({weight.number, p.inputs, p.outputs, slot(2), slot(3), slot(4), slot(5)});
      for (const int s : {2, 3, 4, 5}) {
        const std::size_t side = s % 2 ? p.outputs : p.inputs;
        arrays_.emplace_back(slot(s), side * side);
      }
    }
}

template <class Real> void NaturalStep<Real>::begin(Executor<Real>& executor) {
  optimizer_.load_hyperparameters();
  now_ = optimizer_.rule.curvature(optimizer_.groups[0].values.data());
  const bool is_new = std::any_of(layers_.begin(), layers_.end(), [](const auto& layer) { return layer.is_new(); });
  learns_ = is_new || optimizer_.t % now_.factor_period == 0;
  if (!executor.curvature) {
    if (now_.sampled && executor.has_externals())
      throw std::invalid_argument(
          "fisher=\"true\" goes back through the model twice, which layers written in Python do not take; "
          "fisher=\"empirical\" goes once.");
    if (now_.diagonal)
      executor.curvature = std::make_unique<DiagonalPlan<Real>>(executor.taps(), now_.sampled, 1, now_.damping);
    else
      executor.curvature = std::make_unique<KroneckerPlan<Real>>(executor.taps(), now_.sampled, layers_);
  }
  executor.before_backward = nullptr;
  if (learns_ && now_.sampled) executor.before_backward = [&](ThreadTeam& team) { draw(executor, team); };
}

template <class Real> void NaturalStep<Real>::draw(Executor<Real>& executor, ThreadTeam& team) {
  dys_.resize(executor.heads.size());
  for (std::size_t k = 0; k < dys_.size(); ++k) {
    Head<Real>& head = executor.heads[k];
    if (!head.dy || !head.has_loss()) continue;
    dys_[k].assign(head.dy, head.dy + head.rows * head.n);
    const std::size_t block = std::max<std::size_t>(1, 2048 / head.n), blocks = (head.rows + block - 1) / block;
    team.stage(blocks, [&](std::size_t i, int) {
      const std::size_t first = i * block;
      head.draw_gradient({optimizer_.options.seed, std::uint64_t(optimizer_.t), std::uint32_t(k), first},
                         std::min(block, head.rows - first));
    });
  }
  executor.go_back(team);
  if (!executor.repeats_backward()) executor.go_forward_again(team);
  executor.curvature->keep_drawn();
  for (std::size_t k = 0; k < dys_.size(); ++k)
    if (!dys_[k].empty()) std::copy(dys_[k].begin(), dys_[k].end(), executor.heads[k].dy);
}

template <class Real> void NaturalStep<Real>::save() {
  before_.clear();
  for (const auto& [at, n] : arrays_) before_.emplace_back(at, at + n);
  saved_ = true;
}

template <class Real> void NaturalStep<Real>::undo() {
  for (std::size_t k = 0; saved_ && k < arrays_.size(); ++k)
    std::copy(before_[k].begin(), before_[k].end(), arrays_[k].first);
  saved_ = false;
}

template <class Real> void NaturalStep<Real>::invert(ThreadTeam& team) {
  if (inverses_.empty() || inverses_.front().threads() < team.threads()) {
    inverses_.clear();
    for (const KroneckerFactors<Real>& layer : layers_) {
      inverses_.emplace_back(layer.a, layer.a_inverse, layer.inputs, team.threads());
      inverses_.emplace_back(layer.g, layer.g_inverse, layer.outputs, team.threads());
    }
  }
  for (std::size_t k = 0; k < inverses_.size(); k += 2) {
    // Damping is shared out so that both factors change by the same part: section 6.3.
    DampedInverse<Real>&a = inverses_[k], &g = inverses_[k + 1];
    const double ratio = a.mean_of_diagonal() / g.mean_of_diagonal();
    const double pi = std::isfinite(ratio) && ratio > 0 ? std::sqrt(ratio) : 1, root = std::sqrt(now_.damping);
    a.damping = pi * root;
    g.damping = root / pi;
  }
  std::vector<DampedInverse<Real>*> small;
  for (DampedInverse<Real>& one : inverses_) {
    if (one.is_small())
      small.push_back(&one);
    else
      one.run(team);
  }
  team.stage(small.size(),
             [&](std::size_t chunk, int) { ThreadTeam::run(1, [&](ThreadTeam& alone) { small[chunk]->run(alone); }); });
}

template <class Real> void NaturalStep<Real>::apply(Executor<Real>& executor, ThreadTeam& team) {
  CurvaturePlan<Real>& plan = *executor.curvature;
  const std::int64_t t = optimizer_.t;
  t_ = t;
  saved_ = false;
  plan.copy_inputs(team);
  const bool is_new = std::any_of(layers_.begin(), layers_.end(), [](const auto& layer) { return layer.is_new(); });
  if (learns_) {
    if (optimizer_.options.nonfinite != Options::Nonfinite::propagate) save();
    // Of the k-th batch no more than 1 - 1 / k is kept, so that the first ones count alike.
    const double taken = double(t / now_.factor_period);
    const double keep = is_new ? 0 : std::min(taken / (taken + 1), now_.decay);
    plan.learn(team, keep, now_.sampled || sum_ ? 1 : double(executor.batch));
  }
  if (is_new || t % now_.inverse_period == 0) invert(team);
  const bool clips = now_.clip < inf;
  const double product = plan.prepare(team, clips);
  const double rate = optimizer_.groups[0].values[optimizer_.rule.learning_rate];
  const double size = rate * rate * product;
  plan.finish(team, clips && size > now_.clip ? std::sqrt(now_.clip / size) : 1);
}

template class NaturalStep<float>;
template class NaturalStep<double>;

}  // namespace gs
