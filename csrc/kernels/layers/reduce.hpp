// Sums: losses and accuracies over rows, bias gradients over columns.
#pragma once

#include <cstddef>

#include "kernels/isa.hpp"
#include "losses/all.hpp"

namespace gs {

/// settings: of the loss's fields, or null for its defaults; targets (rows): a pointer a row, to n numbers or to one
/// int64 label; y (rows, n) -> values (rows): the loss of each row; and unless dy is null dy (rows, n): the
/// gradient of the sum of scales[i] values[i]. All rows of a batch at once, of a loss that sees the whole batch.
using LossRows = void (*)(const double* settings, const void* const* targets, const void* y, std::size_t rows,
                          std::size_t n, const double* scales, double* values, void* dy);
/// targets, y as above -> values (rows)
using AccuracyRows = void (*)(const void* const* targets, const void* y, std::size_t rows, std::size_t n,
                              double* values);
/// x (rows, columns) of row stride ld -> sums (columns)
using ColumnSums = void (*)(const void* x, std::size_t ld, std::size_t rows, std::size_t columns, void* sums);

struct ReduceTable {
  struct LossRow {
    LossRows of_outputs[2], of_logits[2];  // [dtype]
  } losses[Losses::size];
  AccuracyRows accuracies[Accuracies::size][2];
  ColumnSums column_sums[2];
};

template <class Isa> const ReduceTable& reduce_table() noexcept;

}  // namespace gs
