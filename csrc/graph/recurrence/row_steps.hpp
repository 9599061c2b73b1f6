// Steps of a table by the rows that a batch read.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "graph/lookup_ids.hpp"
#include "update/optimizer.hpp"
#include "update/sparse.hpp"

namespace gs {

/// A table whose rows take the steps of batches that did not read them when a batch reads them next.
struct RowSteps {
  const Parameter* parameter;
  bool active = false;              // whether the optimizer can do so now
  bool all = false;                 // whether all rows take their steps, for a gradient that is stored whole
  std::vector<std::int64_t> ids{};  // of the batch
  std::vector<std::uint32_t> at{};  // (id): its row of the gradients
  std::optional<RowGradient> by_ids{};
  const RowGradient* gradient = nullptr;  // of the batch; none if one of its ids is no row, or if they are most rows
  std::size_t columns = 0;

  /// ids of a batch, of a table of `rows`; values: where the gradients that belong to them will be
  template <class Real> void read(const LookupIds<Real>& from, std::size_t rows, const std::byte* values) {
    gradient = nullptr;
    const std::size_t n = from.size();
    if (!active || all || n > 2 * most_rows(rows)) return;
    ids.resize(n);
    at.resize(n);
    bool are_rows = true;
    from.each([&](std::size_t i, std::uint32_t row) {
      ids[i] = std::int64_t(row_of(from.ids.at[i], rows));
      are_rows &= ids[i] < std::int64_t(rows);
      at[i] = row;
    });
    if (!are_rows) return;
    take(by_ids.emplace(ids.data(), at.data(), nullptr, n, values, parameter->dtype, columns), rows);
  }
  /// The same for a gradient of a batch that the caller has.
  void take(const RowGradient& of_batch, std::size_t rows) {
    gradient = active && !all && of_batch.rows.size() <= most_rows(rows) ? &of_batch : nullptr;
  }
  /// Rows [first, last) that the batch reads take the steps that are pending; or, without a gradient, all of them.
  void catch_up(std::size_t first, std::size_t last) const {
    if (!active) return;
    if (parameter->pending->empty()) return;
    const std::size_t end = last * columns, most = row_chunk(columns);
    if (!gradient)
      for (std::size_t begin = first * columns; begin < end; begin += most)
        update_rows(*parameter, nullptr, nullptr, 1, begin, std::min(end, begin + most));
    else
      each_of(first, last,
              [&](std::size_t begin, std::size_t end) { update_rows(*parameter, &*gradient, nullptr, 1, begin, end); });
  }
  /// They have.
  void caught_up() const {
    if (!active) return;
    if (gradient)
      parameter->pending->mark_current(gradient->rows);
    else
      parameter->pending->clear();
  }
  /// The step of rows [first, last).
  void step(std::size_t first, std::size_t last, const UpdateKernel& kernel) const {
    each_of(first, last,
            [&](std::size_t begin, std::size_t end) { update_rows(*parameter, &*gradient, &kernel, 1, begin, end); });
  }

 private:
  /// From how many rows of a batch on going over all of them in their order is faster: from half, or, where most rows
  /// have state and so move in every step anyway, now or later, from an eighth.
  std::size_t most_rows(std::size_t rows) const {
    const bool all_move = !parameter->state.empty() && 2 * parameter->pending->rows_with_gradient() > rows;
    return rows / (all_move ? 8 : 2);
  }
  /// visit(first, last) of the elements of the gradient that are of these rows, in portions that update_rows takes.
  template <class Visit> void each_of(std::size_t first, std::size_t last, Visit visit) const {
    const auto& rows = gradient->rows;
    const auto at = [&](std::size_t row) {
      return std::size_t(std::lower_bound(rows.begin(), rows.end(), std::int64_t(row)) - rows.begin()) * columns;
    };
    const std::size_t end = at(last), most = row_chunk(columns);
    for (std::size_t begin = at(first); begin < end; begin += most) visit(begin, std::min(end, begin + most));
  }
};

}  // namespace gs
