#include "engine/scores.hpp"

#include <stdexcept>
#include <type_traits>

#include "engine/dispatch.hpp"

namespace gs {
namespace {

template <class L> ScoreInfo describe_loss(int index) {
  constexpr bool absorbs = !std::is_void_v<typename L::Absorbs>;
  int activation = -1;
  if constexpr (absorbs) activation = index_of<typename L::Absorbs>(Activations{});
  return {L::name, index, true, L::labels, activation};
}

template <class A> ScoreInfo describe_accuracy(int index) { return {A::name, index, false, A::labels, -1}; }

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

LossRows loss_rows(const ScoreInfo& loss, bool of_logits, int dtype) {
  const auto& row = kernels().reduce.losses[loss.index];
  return (of_logits ? row.of_logits : row.of_outputs)[dtype];
}

void score_rows(const ScoreInfo& score, int dtype, const void* const* targets, const void* y, std::size_t rows,
                std::size_t n, double* values) {
  if (score.is_loss)
    loss_rows(score, false, dtype)(targets, y, rows, n, 1.0, values, nullptr);
  else
    kernels().reduce.accuracies[score.index][dtype](targets, y, rows, n, values);
}

}  // namespace gs
