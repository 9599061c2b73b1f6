// The losses and accuracies of losses/all.hpp with their types erased.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/dtype.hpp"
#include "core/field_info.hpp"
#include "kernels/layers/losses.hpp"
#include "train/outputs/loss_reduction.hpp"

namespace gs {

/// Something that gives every row of a batch a number.
struct ScoreInfo {
  const char* name = nullptr;
  int index = 0;                             // in Losses, or in Accuracies
  bool is_loss = false;                      // it has a gradient
  TargetKind targets = TargetKind::numbers;  // what it is scored against
  bool has_logits = false;                   // its loss of logits is another than that of outputs
  int absorbs = -1;                          // the activation that the loss of logits contains; -1: none
  bool whole_batch = false;                  // see RowLoss
  bool one_value = false;                    // see RowLoss
  bool only_positive = false;                // see RowLoss
  std::vector<FieldInfo> fields{};           // its settings

  /// Whether targets are int64 numbers, one a row, instead of rows of numbers.
  bool labels() const { return targets != TargetKind::numbers; }
};

/// Losses first, then accuracies.
const std::vector<ScoreInfo>& scores();
/// Throws std::invalid_argument if there is none of that name (with need_loss: none that is a loss).
const ScoreInfo& find_score(const std::string& name, bool need_loss);

/// A loss as it is used.
struct LossUse {
  const ScoreInfo* info = nullptr;
  bool of_logits = false;
  std::vector<double> settings{};
  Reduction reduction = Reduction::mean;
  double factor = 1;  // what the loss of a batch is multiplied by

  bool operator==(const LossUse& other) const {
    return info == other.info && of_logits == other.of_logits && settings == other.settings &&
           reduction == other.reduction && factor == other.factor;
  }
  LossRows loop(Dtype dtype) const;
  /// Whether it contains a last activation, which then need not be computed before it.
  bool absorbs(int activation) const { return info && !of_logits && info->absorbs >= 0 && info->absorbs == activation; }
  /// Whether a row of this label does not count, so that it need be no class.
  bool ignores(std::int64_t label) const;
  /// How rows of these weights and this mask become one number. The loss of a batch that has one is not summed up.
  LossReduction reduction_over(std::size_t rows, const double* weights, const std::uint8_t* mask) const;

  /// Of all rows of a batch: targets, y (rows, n) -> values (rows), the loss of each; scales (rows), see LossReduction;
  /// and unless dy is null dy (rows, n), the gradient of the batch's loss. counts: room for (rows) where the loss says
  /// itself which rows count; it is the mask of the reduction that is returned, which else are those given.
  LossReduction score(Dtype dtype, const void* const* targets, const void* y, std::size_t n, LossReduction reduction,
                      double* scales, std::uint8_t* counts, double* values, void* dy) const;
};

/// values (rows) of any score of outputs y (rows, n), a loss with its defaults.
void score_rows(const ScoreInfo& score, Dtype dtype, const void* const* targets, const void* y, std::size_t rows,
                std::size_t n, double* values);

/// How rows of an output are scored: the loss, without info if there is none; the metrics; and whether the caller will
/// read the outputs.
struct Scoring {
  LossUse loss;
  std::vector<const ScoreInfo*> metrics;
  bool outputs = false;
  bool by_caller = false;  // the caller computes the loss

  /// Whether targets are labels.
  bool labels() const;
  /// Whether a label may be scored where there are this many outputs: it is a class, or nothing reads what it stands
  /// for.
  bool admits(std::int64_t label, std::size_t outputs) const;
};

}  // namespace gs
