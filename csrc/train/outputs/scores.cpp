#include "train/outputs/scores.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <type_traits>

#include "runtime/dispatch.hpp"

namespace gs {
namespace {

template <class L> ScoreInfo describe_loss(int index) {
  ScoreInfo loss;
  loss.name = L::name;
  loss.index = index;
  loss.is_loss = true;
  loss.targets = L::targets;
  loss.has_logits = !std::is_same_v<typename L::OfOutputs, typename L::OfLogits>;
  if constexpr (!std::is_void_v<typename L::Absorbs>) loss.absorbs = index_of<typename L::Absorbs>(Activations{});
  loss.whole_batch = L::whole_batch;
  loss.one_value = L::one_value;
  loss.only_positive = L::only_positive;
  const typename L::OfOutputs defaults{};
  for (const auto& f : L::fields()) loss.fields.push_back(info(defaults, f));
  return loss;
}

template <class A> ScoreInfo describe_accuracy(int index) {
  ScoreInfo accuracy;
  accuracy.name = A::name;
  accuracy.index = index;
  accuracy.targets = A::labels ? TargetKind::classes : TargetKind::numbers;
  return accuracy;
}

template <class... L, class... A> std::vector<ScoreInfo> describe_all(TypeList<L...>, TypeList<A...>) {
  int loss = 0, accuracy = 0;
  return {describe_loss<L>(loss++)..., describe_accuracy<A>(accuracy++)...};
}

}  // namespace

const std::vector<ScoreInfo>& scores() {
  static const std::vector<ScoreInfo> all = describe_all(Losses{}, Accuracies{});
  return all;
}

const ScoreInfo& find_score(const std::string& name, bool need_loss) {
  std::string known;
  for (const ScoreInfo& s : scores()) {
    if (need_loss && !s.is_loss) continue;
    if (name == s.name) return s;
    known += (known.empty() ? "" : ", ") + std::string(s.name);
  }
  throw std::invalid_argument((need_loss ? "loss" : "metric") + std::string(" must be one of ") + known + "; got " +
                              name + ".");
}

LossRows LossUse::loop(Dtype dtype) const {
  const int index = info->index, common = CommonLosses::size;
  const LossLoops& loops =
      index < common ? kernels().common_losses.loops[index] : kernels().rare_losses.loops[index - common];
  return (of_logits ? loops.of_logits : loops.of_outputs)[int(dtype)];
}

bool LossUse::ignores(std::int64_t label) const {
  for (std::size_t i = 0; i < settings.size(); ++i)
    if (std::strcmp(info->fields[i].name, "ignore_class") == 0) return double(label) == settings[i];
  return false;
}

LossReduction LossUse::reduction_over(std::size_t rows, const double* weights, const std::uint8_t* mask) const {
  const bool alone = info && info->one_value && reduction == Reduction::sum && !weights && !mask;
  return {alone ? Reduction::mean : reduction, rows, weights, mask, factor};
}

LossReduction LossUse::score(Dtype dtype, const void* const* targets, const void* y, std::size_t n,
                             LossReduction reduction, double* scales, std::uint8_t* counts, double* values,
                             void* dy) const {
  const LossRows rows = loop(dtype);
  reduction.gradient_scales(scales);
  if (info->only_positive) {
    rows(settings.data(), targets, y, reduction.rows, n, scales, values, nullptr);
    for (std::size_t i = 0; i < reduction.rows; ++i) counts[i] = reduction.counts(i) && values[i] != 0;
    reduction.mask = counts;
    reduction.gradient_scales(scales);
    if (!dy) return reduction;
  }
  rows(settings.data(), targets, y, reduction.rows, n, scales, values, dy);
  return reduction;
}

void score_rows(const ScoreInfo& score, Dtype dtype, const void* const* targets, const void* y, std::size_t rows,
                std::size_t n, double* values) {
  if (!score.is_loss) return kernels().reduce.accuracies[score.index][int(dtype)](targets, y, rows, n, values);
  const std::vector<double> scales(rows, 1.0);
  LossUse use;
  use.info = &score;
  use.loop(dtype)(nullptr, targets, y, rows, n, scales.data(), values, nullptr);
}

bool Scoring::labels() const {
  const ScoreInfo* const first = loss.info ? loss.info : metrics.empty() ? nullptr : metrics[0];
  return first && first->labels();
}

bool Scoring::admits(std::int64_t label, std::size_t n) const {
  if (label >= 0 && std::uint64_t(label) < n) return true;
  if (loss.info && loss.info->targets == TargetKind::classes && !loss.ignores(label)) return false;
  // A metric that is a loss reads the output of a row's label, also where the loss of the model ignores that.
  return std::none_of(metrics.begin(), metrics.end(), [&](const ScoreInfo* metric) {
    return metric->targets == TargetKind::classes && (metric->is_loss || !loss.info);
  });
}

}  // namespace gs
