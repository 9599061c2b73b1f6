// Losses over rows.
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

struct LossLoops {
  LossRows of_outputs[2], of_logits[2];  // [dtype]
};
template <class List> struct LossesTable {
  LossLoops loops[List::size];
};
struct CommonLossesTable : LossesTable<CommonLosses> {};
struct RareLossesTable : LossesTable<RareLosses> {};

template <class Isa> const CommonLossesTable& common_losses_table() noexcept;
/// With AVX-512 it is that of AVX2, which has the same bits.
template <class Isa> const RareLossesTable& rare_losses_table() noexcept;

}  // namespace gs
