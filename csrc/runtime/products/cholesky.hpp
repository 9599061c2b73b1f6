// The Cholesky factor of a positive definite matrix, what is solved by it, and the inverse.
#pragma once

#include <cstddef>
#include <vector>

#include "kernels/products/gemm.hpp"
#include "runtime/buffer.hpp"
#include "runtime/dispatch.hpp"
#include "runtime/threads.hpp"

namespace gs {

/// Factors and inverts matrices (n, n), whose rows lie one behind the other, in memory that it keeps. The same bits at
/// any number of threads.
template <class Real> class Cholesky {
 public:
  /// threads: of the largest team; inverts: whether `invert` is to be called.
  Cholesky(std::size_t n, int threads, bool inverts);

  /// a, of which the lower triangle is read, with `more` added to its diagonal -> l with l l^T = a + more, in the lower
  /// triangle of l, which may be a; the upper triangle is left with other numbers. The number of columns that were
  /// factored: n, or the first whose pivot is not positive; l is then of no use.
  std::size_t factor(const Real* a, Real more, Real* l, ThreadTeam& team);
  /// l of `factor` -> the inverse of l l^T, both triangles, in its place.
  void invert(Real* l, ThreadTeam& team);

  int threads() const { return int(scratch_.size()); }

 private:
  /// What the rows below a block on the diagonal are made with: -l of the columns before the block, in panels, and the
  /// block's inverse across.
  struct Ahead {
    Buffer<Real> left, across;
    std::size_t columns = 0;  // of the block that were factored
  };

  std::size_t width(std::size_t k) const { return n_ - k < side ? n_ - k : side; }
  Real& at(std::size_t i, std::size_t j) const { return l_[i * n_ + j]; }
  /// The row of lower_ where columns [k, k + side) begin, from row k on.
  std::size_t begin_of(std::size_t k) const { return k / side * n_ - k / side * (k / side - 1) / 2 * side; }
  Product<Real> product(const void* const* a, std::size_t offset, const Real* b, std::size_t ldb, Real* c,
                        std::size_t ldc, std::size_t rows, std::size_t columns, std::size_t depth) const;

  void point_to(Real* l);
  void subtract(const Ahead& ahead, std::size_t i, std::size_t k, Real* scratch) const;
  void look_ahead(Ahead& ahead, std::size_t k, Real* scratch) const;
  std::size_t factor_diagonal(std::size_t k) const;
  void invert_diagonal(std::size_t k, Real* to) const;
  void invert_columns(std::size_t k, Real* scratch) const;
  void multiply(std::size_t i, std::size_t j, Real* scratch) const;
  template <class Work> void stage(ThreadTeam& team, std::size_t chunks, const Work& work);

  static constexpr std::size_t side = 64;  // of a block

  const std::size_t n_;
  const Real* a_ = nullptr;
  Real more_ = 0;
  Real* l_ = nullptr;
  std::vector<const void*> rows_;   // of l
  Ahead ahead_[2];                  // by turns
  Buffer<Real> lower_, diagonals_;  // l^-1, in columns of blocks; -l^-1 of each block on the diagonal
  std::vector<const void*> lower_rows_, diagonal_rows_;
  std::vector<Buffer<Real>> scratch_;  // (thread)
  const Products<Real>& loops_ = products<Real>();
};

/// a (n, n), as `Cholesky::factor` says, in its place.
template <class Real> std::size_t cholesky(Real* a, std::size_t n, ThreadTeam& team);

/// l (n, n) as above, b (n, m) -> x with l l^T x = b, in the place of b.
template <class Real> void cholesky_solve(const Real* l, std::size_t n, Real* b, std::size_t m);

/// l (n, n) as above -> the inverse of l l^T, both triangles, in its place.
template <class Real> void cholesky_inverse(Real* l, std::size_t n, ThreadTeam& team);

}  // namespace gs
