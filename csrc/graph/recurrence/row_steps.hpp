// Steps of a table by the rows that a batch read.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "update/optimizer.hpp"
#include "update/sparse.hpp"

namespace gs {

/// A table whose rows take the steps of batches that did not read them when a batch reads them next.
struct RowSteps {
  const Parameter* parameter;
  bool active = false;              // whether the optimizer can do so now
  bool all = false;                 // whether all rows take their steps, for a gradient that is stored whole
  std::vector<std::int64_t> ids{};  // of the batch
  std::optional<RowGradient> by_ids{};
  const RowGradient* gradient = nullptr;  // of the batch; none if one of its ids is no row, or if they are most rows
  std::size_t columns = 0;

  /// ids (n) of a batch, of a table of `rows`; values (n, columns): where the gradient by what they are will be
  template <class Real> void read(const Real* from, std::size_t n, std::size_t rows, const std::byte* values) {
    gradient = nullptr;
    // From half of the rows on, going over all of them in their order is faster.
    if (!active || all || n >= rows) return;
    ids.resize(n);
    for (std::size_t i = 0; i < n; ++i) {
      if (!(from[i] > Real(-1) && from[i] < Real(rows))) return;
      ids[i] = std::int64_t(from[i]);
    }
    take(by_ids.emplace(ids.data(), n, values, parameter->dtype, columns), rows);
  }
  /// The same for a gradient of a batch that the caller has.
  void take(const RowGradient& of_batch, std::size_t rows) {
    gradient = active && !all && 2 * of_batch.rows.size() <= rows ? &of_batch : nullptr;
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
