// The matrix of a linear model, where it lies, and how a pass over its rows is cut: in chunks, one for a thread at a
// time, and these in blocks that stay in cache between the way to the sums and the way back.
#pragma once

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "kernels/linear/linear_rows.hpp"
#include "runtime/dispatch.hpp"
#include "runtime/threads.hpp"

namespace gs {

/// x (rows, columns): dense, or in compressed rows where `starts` is given.
template <class Real> struct Design {
  std::int64_t rows = 0, columns = 0;
  const Real* x = nullptr;
  const std::int32_t *where = nullptr, *starts = nullptr;
  std::int64_t stored = 0;  // numbers that x and where hold

  bool is_sparse() const { return starts; }
  /// Numbers that a pass reads.
  std::int64_t work() const { return is_sparse() ? stored + rows : rows * columns; }
};

/// Blocks of rows of a design.
template <class Real> class DesignRows {
 public:
  /// most: chunks at most; of `size` doubles each chunk has a sum, which must stay small beside the design.
  DesignRows(const Design<Real>& design, std::size_t size, std::size_t most = 32) : design_(design) {
    const auto rows = std::size_t(design.rows), work = std::size_t(design.work());
    const std::size_t few = std::max<std::size_t>(1, work / (64 * std::max<std::size_t>(1, size)));
    chunks = std::clamp<std::size_t>(work >> 17, 1, std::min({most, few, std::max<std::size_t>(1, rows)}));
    const std::size_t bytes = std::max<std::size_t>(1, work / std::max<std::size_t>(1, rows)) *
                              (sizeof(Real) + (design.is_sparse() ? sizeof(std::int32_t) : 0));
    const std::size_t held = design.is_sparse() ? sparse_cached : cached;
    block = std::clamp<std::size_t>((held / bytes + 7) / 8 * 8, 8, most_rows);
  }

  std::size_t chunks, block;  // rows of a block

  /// work(first row, how many), one block of a chunk after the other.
  template <class Work> void each_block(std::size_t chunk, const Work& work) const {
    const auto rows = std::size_t(design_.rows);
    const std::size_t end = rows * (chunk + 1) / chunks;
    for (std::size_t first = rows * chunk / chunks; first < end; first += block)
      work(first, std::min(block, end - first));
  }

  /// w (columns) -> p (count) = start + x w. False where the matrix has a column that it must not have.
  bool margins(std::size_t first, std::size_t count, const double* w, double start, double* p) const {
    if (!design_.is_sparse()) {
      loops_.margins(dense(first, count), w, start, p);
      return true;
    }
    std::int32_t starts[most_rows + 1];
    SparseRows<Real> rows;
    return sparse(first, count, starts, rows) && loops_.sparse_margins(rows, w, start, p);
  }
  /// r (count) -> g (columns) += x^T r
  bool accumulate(std::size_t first, std::size_t count, const double* r, double* g) const {
    if (!design_.is_sparse()) {
      loops_.accumulate(dense(first, count), r, g);
      return true;
    }
    std::int32_t starts[most_rows + 1];
    SparseRows<Real> rows;
    return sparse(first, count, starts, rows) && loops_.sparse_accumulate(rows, r, g);
  }
  /// to (columns) = by (row - centre)
  bool lift(std::size_t row, const double* centre, double by, double* to) const {
    if (!design_.is_sparse()) {
      loops_.lift(dense(row, 1).x, centre, by, std::size_t(design_.columns), to);
      return true;
    }
    for (std::int64_t j = 0; j < design_.columns; ++j) to[j] = -by * centre[j];
    return accumulate(row, 1, &by, to);
  }

 private:
  // A quarter of a near cache: what the hardware reads ahead of a stream finds room beside it.
  static constexpr std::size_t cached = 12 << 10, most_rows = 256;
  // Sparse rows come from the second cache, where the next block is waited for meanwhile; the first has weights.
  static constexpr std::size_t sparse_cached = 56 << 10;

  DenseRows<Real> dense(std::size_t first, std::size_t count) const {
    const auto n = std::size_t(design_.columns);
    return {design_.x + first * n, n, count, n};
  }
  // Other threads may write into the matrix meanwhile: what was checked is a copy.
  bool sparse(std::size_t first, std::size_t count, std::int32_t* starts, SparseRows<Real>& rows) const {
    std::copy_n(design_.starts + first, count + 1, starts);
    if (starts[0] < 0 || starts[count] > design_.stored || !std::is_sorted(starts, starts + count + 1)) return false;
    rows = {design_.x, design_.where, starts, count, std::uint32_t(design_.columns)};
    return true;
  }

  const Design<Real> design_;
  const LinearRowsLoops<Real>& loops_ = loops_of<Real>(kernels().linear_rows);
};

/// Where `DesignRows` says false.
[[noreturn]] inline void bad_design() { throw std::out_of_range("indices or indptr"); }

}  // namespace gs
