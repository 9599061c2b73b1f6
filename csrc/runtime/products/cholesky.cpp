// Left-looking, in columns of blocks: each is made by products with the columns before it. What the next column waits
// for, its block on the diagonal, is made ready by whoever makes the rows of that block, beside the rows below. Blocks
// depend on n alone, and each is made by one chunk.
#include "runtime/products/cholesky.hpp"

#include <algorithm>
#include <cmath>

#include "runtime/products/mirror.hpp"

namespace gs {

template <class Real> Cholesky<Real>::Cholesky(std::size_t n, int threads, bool inverts) : n_(n), rows_(n) {
  const std::size_t blocks = (n + side - 1) / side;
  const std::size_t wide = (side + loops_.panel_columns - 1) / loops_.panel_columns * loops_.panel_columns;
  for (Ahead& one : ahead_) one.left = Buffer<Real>(n * wide), one.across = Buffer<Real>(side * side);
  for (int t = 0; t < threads; ++t) scratch_.emplace_back(side * side + gemm_scratch(side, n));
  if (!inverts) return;
  lower_ = Buffer<Real>(begin_of(blocks * side) * side);
  lower_rows_.resize(begin_of(blocks * side));
  for (std::size_t i = 0; i < lower_rows_.size(); ++i) lower_rows_[i] = lower_.data() + i * side;
  diagonals_ = Buffer<Real>(blocks * side * side);
  diagonal_rows_.resize(blocks * side);
  for (std::size_t i = 0; i < diagonal_rows_.size(); ++i) diagonal_rows_[i] = diagonals_.data() + i * side;
}

template <class Real> std::size_t Cholesky<Real>::factor(const Real* a, Real more, Real* l, ThreadTeam& team) {
  point_to(l);
  a_ = a;
  more_ = more;
  look_ahead(ahead_[0], 0, scratch_[0].data());
  for (std::size_t k = 0, turn = 0; k < n_; k += side, turn ^= 1) {
    const Ahead& now = ahead_[turn];
    if (now.columns < width(k)) return k + now.columns;
    // Below: l = (a - l l[k]^T by the columns before) l[k,k]^-T.
    const std::size_t next = k + side;
    if (next >= n_) break;
    stage(team, (n_ - next + side - 1) / side, [&](std::size_t chunk, Real* scratch) {
      const std::size_t i = next + chunk * side, count = width(i);
      Real* const made = scratch + gemm_scratch(side, n_);
      subtract(now, i, k, scratch);
      loops_.gemm(product(rows_.data() + i, k, now.across.data(), side, made, side, count, side, side), scratch);
      for (std::size_t r = 0; r < count; ++r) std::copy_n(made + r * side, side, &at(i + r, k));
      if (chunk == 0) look_ahead(ahead_[turn ^ 1], next, scratch);
    });
  }
  return n_;
}

template <class Real> void Cholesky<Real>::invert(Real* l, ThreadTeam& team) {
  point_to(l);
  const std::size_t blocks = (n_ + side - 1) / side;
  stage(team, blocks, [&](std::size_t k, Real*) {
    Real* const inverse = diagonals_.data() + k * side * side;
    invert_diagonal(k * side, inverse);
    std::copy_n(inverse, width(k * side) * side, lower_.data() + begin_of(k * side) * side);
    for (std::size_t i = 0; i < side * side; ++i) inverse[i] = -inverse[i];
  });
  stage(team, blocks, [&](std::size_t k, Real* scratch) { invert_columns(k * side, scratch); });
  // The inverse is (l^-1)^T l^-1.
  stage(team, blocks * (blocks + 1) / 2, [&](std::size_t chunk, Real* scratch) {
    std::size_t i = 0;
    while ((i + 1) * (i + 2) / 2 <= chunk) ++i;
    multiply(i * side, (chunk - i * (i + 1) / 2) * side, scratch);
  });
}

template <class Real>
Product<Real> Cholesky<Real>::product(const void* const* a, std::size_t offset, const Real* b, std::size_t ldb, Real* c,
                                      std::size_t ldc, std::size_t rows, std::size_t columns, std::size_t depth) const {
  return {{a, source_of<Real>}, offset, false, b, ldb, false, nullptr, c, ldc, rows, columns, depth};
}

template <class Real> void Cholesky<Real>::point_to(Real* l) {
  l_ = l;
  for (std::size_t i = 0; i < n_; ++i) rows_[i] = l + i * n_;
}

/// Rows of block i of columns [k, k + side): a - l l[k]^T by the columns before.
template <class Real>
void Cholesky<Real>::subtract(const Ahead& ahead, std::size_t i, std::size_t k, Real* scratch) const {
  const std::size_t count = width(i), columns = width(k);
  if (a_ != l_)
    for (std::size_t r = 0; r < count; ++r) std::copy_n(a_ + (i + r) * n_ + k, columns, &at(i + r, k));
  if (i == k)
    for (std::size_t r = 0; r < count; ++r) at(i + r, i + r) += more_;
  if (k == 0) return;
  Product<Real> q = product(rows_.data() + i, 0, ahead.left.data(), k, &at(i, k), n_, count, columns, k);
  q.adds = q.in_panels = true;
  loops_.gemm(q, scratch);
}

/// Makes block k on the diagonal, whose rows of the columns before are made, and what the rows below need of it.
template <class Real> void Cholesky<Real>::look_ahead(Ahead& ahead, std::size_t k, Real* scratch) const {
  const std::size_t columns = width(k);
  if (k > 0) {
    Product<Real> q = product(nullptr, 0, &at(k, 0), n_, nullptr, 0, 0, columns, k);
    q.b_transposed = true;
    std::size_t packed = 0;
    for (; packed < columns; packed += loops_.panel_columns)
      loops_.pack_panel(q, packed, ahead.left.data() + packed * k);
    for (std::size_t i = 0; i < packed * k; ++i) ahead.left.data()[i] = -ahead.left.data()[i];
  }
  subtract(ahead, k, k, scratch);
  ahead.columns = factor_diagonal(k);
  if (ahead.columns < columns || k + side >= n_) return;
  Real* const inverse = scratch;
  invert_diagonal(k, inverse);
  for (std::size_t r = 0; r < side; ++r)
    for (std::size_t c = 0; c < side; ++c) ahead.across.data()[r * side + c] = inverse[c * side + r];
}

/// How many columns of block k on the diagonal were factored.
template <class Real> std::size_t Cholesky<Real>::factor_diagonal(std::size_t k) const {
  alignas(64) Real column[side];
  const std::size_t columns = width(k);
  for (std::size_t j = 0; j < columns; ++j) {
    const Real pivot = at(k + j, k + j);
    if (!(pivot > 0) || !std::isfinite(pivot)) return j;
    const Real root = std::sqrt(pivot);
    for (std::size_t i = j; i < columns; ++i) column[i] = at(k + i, k + j) /= root;
    for (std::size_t i = j + 1; i < columns; ++i) {
      Real* const row = &at(k + i, k);
      const Real by = column[i];
#pragma omp simd
      for (std::size_t c = j + 1; c <= i; ++c) row[c] -= by * column[c];
    }
  }
  return columns;
}

/// The inverse of the lower triangle of block k on the diagonal -> to (side, side), zeros elsewhere.
template <class Real> void Cholesky<Real>::invert_diagonal(std::size_t k, Real* to) const {
  constexpr std::size_t wide = 16;  // sums that are made side by side
  std::fill_n(to, side * side, Real(0));
  for (std::size_t i = 0; i < width(k); ++i) {
    const Real pivot = at(k + i, k + i);
    for (std::size_t first = 0; first < i; first += wide) {
      Real sums[wide] = {};
      for (std::size_t p = first; p < i; ++p) {
        const Real by = at(k + i, k + p);
        const Real* const from = to + p * side + first;
#pragma omp simd
        for (std::size_t c = 0; c < wide; ++c) sums[c] -= by * from[c];
      }
      for (std::size_t c = 0; c < wide; ++c) to[i * side + first + c] = sums[c] / pivot;
    }
    to[i * side + i] = 1 / pivot;
  }
}

/// Columns [k, k + side) of x = l^-1, whose block on the diagonal is there: x_i = -l_ii^-1 (l_i x), block by block.
template <class Real> void Cholesky<Real>::invert_columns(std::size_t k, Real* scratch) const {
  Real *const x = lower_.data() + begin_of(k) * side, *const sum = scratch + gemm_scratch(side, n_);
  for (std::size_t i = k + side; i < n_; i += side) {
    const std::size_t count = width(i);
    loops_.gemm(product(rows_.data() + i, k, x, side, sum, side, count, side, i - k), scratch);
    loops_.gemm(product(diagonal_rows_.data() + i, 0, sum, side, x + (i - k) * side, side, count, side, count),
                scratch);
  }
}

/// Block (i, j), i >= j, of x^T x, and its mirror image.
template <class Real> void Cholesky<Real>::multiply(std::size_t i, std::size_t j, Real* scratch) const {
  const std::size_t rows = width(i), columns = width(j);
  Product<Real> q = product(lower_rows_.data() + begin_of(i), 0, lower_.data() + (begin_of(j) + i - j) * side, side,
                            &at(i, j), n_, rows, columns, n_ - i);
  q.a_transposed = true;
  loops_.gemm(q, scratch);
  mirror(&at(i, j), n_, rows, columns, i == j, &at(j, i), n_);
}

template <class Real>
template <class Work>
void Cholesky<Real>::stage(ThreadTeam& team, std::size_t chunks, const Work& work) {
  team.stage(chunks, [&](std::size_t chunk, int thread) { work(chunk, scratch_[std::size_t(thread)].data()); });
}

template <class Real> std::size_t cholesky(Real* a, std::size_t n, ThreadTeam& team) {
  return n == 0 ? 0 : Cholesky<Real>(n, team.threads(), false).factor(a, Real(0), a, team);
}

template <class Real> void cholesky_solve(const Real* l, std::size_t n, Real* b, std::size_t m) {
  const auto subtract = [&](std::size_t i, std::size_t p, Real by) {
    Real* const to = b + i * m;
    const Real* const from = b + p * m;
    for (std::size_t c = 0; c < m; ++c) to[c] -= by * from[c];
  };
  const auto divide = [&](std::size_t i) {
    for (std::size_t c = 0; c < m; ++c) b[i * m + c] /= l[i * n + i];
  };
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t p = 0; p < i; ++p) subtract(i, p, l[i * n + p]);
    divide(i);
  }
  for (std::size_t i = n; i-- > 0;) {
    divide(i);
    for (std::size_t p = 0; p < i; ++p) subtract(p, i, l[i * n + p]);
  }
}

template <class Real> void cholesky_inverse(Real* l, std::size_t n, ThreadTeam& team) {
  if (n > 0) Cholesky<Real>(n, team.threads(), true).invert(l, team);
}

template class Cholesky<float>;
template class Cholesky<double>;
template std::size_t cholesky<float>(float*, std::size_t, ThreadTeam&);
template std::size_t cholesky<double>(double*, std::size_t, ThreadTeam&);
template void cholesky_solve<float>(const float*, std::size_t, float*, std::size_t);
template void cholesky_solve<double>(const double*, std::size_t, double*, std::size_t);
template void cholesky_inverse<float>(float*, std::size_t, ThreadTeam&);
template void cholesky_inverse<double>(double*, std::size_t, ThreadTeam&);

}  // namespace gs
