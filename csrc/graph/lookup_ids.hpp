// Ids of a batch, and which gradients belong to them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "graph/matrix.hpp"

namespace gs {

/// The row of a table for an id, rounded towards 0; `rows` if the table has no such row.
template <class Real> std::size_t row_of(Real id, std::size_t rows) {
  return id > Real(-1) && id < Real(rows) ? std::size_t(id) : rows;
}

/// Ids (groups, n), and a matrix of gradients (groups, columns): the ids of a group have the same one. With a mask, as
/// large as the ids, the matrix has a row of zeros behind, which is that of ids whose mask is 0.
template <class Real> struct LookupIds {
  Matrix<Real> ids;
  const Real* mask = nullptr;

  std::size_t size() const { return ids.size(); }
  /// visit(number of the id, its row of the gradients), in order.
  template <class Visit> void each(Visit visit) const {
    for (std::size_t group = 0, i = 0; group < ids.rows; ++group)
      for (const std::size_t end = i + ids.columns; i < end; ++i)
        visit(i, std::uint32_t(mask && mask[i] == 0 ? ids.rows : group));
  }
};

}  // namespace gs
