// Sums: accuracies over rows, bias gradients over columns.
#pragma once

#include <cstddef>

#include "kernels/isa.hpp"
#include "losses/all.hpp"

namespace gs {

/// targets (rows): a pointer a row, to n numbers or to one int64 label; y (rows, n) -> values (rows)
using AccuracyRows = void (*)(const void* const* targets, const void* y, std::size_t rows, std::size_t n,
                              double* values);
/// x (rows, columns) of row stride ld -> sums (columns)
using ColumnSums = void (*)(const void* x, std::size_t ld, std::size_t rows, std::size_t columns, void* sums);

struct ReduceTable {
  AccuracyRows accuracies[Accuracies::size][2];  // [dtype]
  ColumnSums column_sums[2];
};

template <class Isa> const ReduceTable& reduce_table() noexcept;

}  // namespace gs
