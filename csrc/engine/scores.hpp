// The losses and accuracies of losses/all.hpp with their types erased.
#pragma once

#include <string>
#include <vector>

#include "core/dtype.hpp"
#include "kernels/reduce.hpp"

namespace gs {

/// Something that gives every row of a batch a number.
struct ScoreInfo {
  const char* name;
  int index;     // in Losses, or in Accuracies
  bool is_loss;  // it has a slope
  bool labels;   // targets are int64 class numbers, one a row, instead of rows of numbers
  int absorbs;   // the activation that the loss of logits contains; -1: none
};

/// Losses first, then accuracies.
const std::vector<ScoreInfo>& scores();
/// Throws std::invalid_argument if there is none of that name (with need_loss: none that is a loss).
const ScoreInfo& find_score(const std::string& name, bool need_loss);

/// The loop of a loss.
LossRows loss_rows(const ScoreInfo& loss, bool of_logits, int dtype);

/// values (rows) of any score of outputs y (rows, n).
void score_rows(const ScoreInfo& score, int dtype, const void* const* targets, const void* y, std::size_t rows,
                std::size_t n, double* values);

}  // namespace gs
