// Left-looking, in blocks of columns: each is made by products with the columns before it; the block on the diagonal is
// factored and inverted by loops. Blocks depend on n alone, and each is made by one chunk.
#include "runtime/products/cholesky.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/products/gemm.hpp"
#include "runtime/buffer.hpp"
#include "runtime/dispatch.hpp"

namespace gs {
namespace {

constexpr std::size_t side = 64;   // of a block on the diagonal
constexpr std::size_t tile = 128;  // rows of products

template <class Real> class Factor {
 public:
  Factor(Real* a, std::size_t n, std::size_t ld, ThreadTeam& team)
      : a_(a), n_(n), ld_(ld), team_(team), diagonal_(side * side), own_rows_(side), rows_(std::max(n, side)) {
    for (int t = 0; t < team.threads(); ++t) scratch_.emplace_back(tile * side + gemm_scratch(tile, n));
    for (std::size_t i = 0; i < n; ++i) rows_[i] = a + i * ld;
    for (std::size_t r = 0; r < side; ++r) own_rows_[r] = diagonal_.data() + r * side;
  }

  std::size_t factor() {
    const std::size_t panels = (side + loops_.panel_columns - 1) / loops_.panel_columns;
    const Buffer<Real> left(n_ * panels * loops_.panel_columns), across(side * side);
    for (std::size_t k = 0; k < n_; k += side) {
      const std::size_t width = std::min(side, n_ - k), next = k + width;
      pack_negative(k, width, left.data());
      // What is left of columns [k, next), from row i on: a - l l[k]^T by the columns before.
      const auto subtract = [&](std::size_t i, std::size_t count, Real* scratch) {
        if (k == 0) return;
        Product<Real> q = product(rows_.data() + i, 0, left.data(), k, &at(i, k), ld_, count, width, k);
        q.adds = q.in_panels = true;
        loops_.gemm(q, scratch);
      };
      subtract(k, width, scratch_[0].data());
      if (const std::size_t done = factor_diagonal(k, width); done < width) return k + done;
      if (next == n_) break;
      invert_diagonal(k, width);
      for (std::size_t r = 0; r < width; ++r)
        for (std::size_t c = 0; c < width; ++c) across.data()[r * side + c] = diagonal_.data()[c * side + r];
      // Below: l = a l[k,k]^-T.
      stage((n_ - next + tile - 1) / tile, [&](std::size_t chunk, Real* scratch) {
        const std::size_t i = next + chunk * tile, count = std::min(tile, n_ - i);
        Real* const made = scratch + gemm_scratch(tile, n_);
        subtract(i, count, scratch);
        loops_.gemm(product(rows_.data() + i, k, across.data(), side, made, side, count, width, width), scratch);
        for (std::size_t r = 0; r < count; ++r) std::copy_n(made + r * side, width, &at(i + r, k));
      });
    }
    return n_;
  }

  void invert() {
    // x = l^-1, block row by block row: x_i = -l_ii^-1 (l_i x), then its own block.
    const Buffer<Real> inverse(n_ * n_), sums(side * n_);
    std::vector<const void*> x(n_);
    for (std::size_t i = 0; i < n_; ++i) x[i] = inverse.data() + i * n_;
    for (std::size_t i = 0; i < n_; i += side) {
      const std::size_t width = std::min(side, n_ - i);
      invert_diagonal(i, width);
      for (std::size_t r = 0; r < width; ++r)
        std::copy_n(diagonal_.data() + r * side, width, inverse.data() + (i + r) * n_ + i);
      for (std::size_t r = 0; r < side * side; ++r) diagonal_.data()[r] = -diagonal_.data()[r];
      stage(i / side, [&](std::size_t chunk, Real* scratch) {
        const std::size_t j = chunk * side;
        Real *const sum = sums.data() + j, *const to = inverse.data() + i * n_ + j;
        loops_.gemm(product(rows_.data() + i, j, inverse.data() + j * n_ + j, n_, sum, n_, width, side, i - j),
                    scratch);
        loops_.gemm(product(own_rows_.data(), 0, sum, n_, to, n_, width, side, width), scratch);
      });
    }
    // The inverse is x^T x; both triangles at once.
    struct Part {
      std::size_t i, j, rows;
    };
    std::vector<Part> parts;
    for (std::size_t i = 0; i < n_; i += tile)
      for (std::size_t end = std::min(n_, i + tile), j = 0; j < end; j += side)
        parts.push_back({std::max(i, j), j, end - std::max(i, j)});
    stage(parts.size(), [&](std::size_t chunk, Real* scratch) {
      const auto [i, j, rows] = parts[chunk];
      const std::size_t columns = std::min(side, n_ - j);
      Product<Real> q =
          product(x.data() + i, i, inverse.data() + i * n_ + j, n_, &at(i, j), ld_, rows, columns, n_ - i);
      q.a_transposed = true;
      loops_.gemm(q, scratch);
      for (std::size_t c = 0; c < columns; ++c)
        for (std::size_t r = i == j ? c : 0; r < rows; ++r) at(j + c, i + r) = at(i + r, j + c);
    });
  }

 private:
  Real& at(std::size_t i, std::size_t j) const { return a_[i * ld_ + j]; }

  /// c (rows, columns) = a b, of rows of a from `offset` on.
  static Product<Real> product(const void* const* a, std::size_t offset, const Real* b, std::size_t ldb, Real* c,
                               std::size_t ldc, std::size_t rows, std::size_t columns, std::size_t depth) {
    return {{a, source_of<Real>}, offset, false, b, ldb, false, nullptr, c, ldc, rows, columns, depth};
  }

  /// -l[k, k + width)^T of the columns before k -> panels (k, width)
  void pack_negative(std::size_t k, std::size_t width, Real* to) const {
    Product<Real> q = product(nullptr, 0, &at(k, 0), ld_, nullptr, 0, 0, width, k);
    q.b_transposed = true;
    std::size_t column = 0;
    for (; k > 0 && column < width; column += loops_.panel_columns) loops_.pack_panel(q, column, to + column * k);
    for (std::size_t i = 0; i < column * k; ++i) to[i] = -to[i];
  }

  template <class Work> void stage(std::size_t chunks, const Work& work) {
    team_.stage(chunks, [&](std::size_t chunk, int thread) { work(chunk, scratch_[std::size_t(thread)].data()); });
  }

  /// How many columns of the block were factored.
  std::size_t factor_diagonal(std::size_t k, std::size_t width) const {
    alignas(64) Real column[side];
    for (std::size_t j = 0; j < width; ++j) {
      const Real pivot = at(k + j, k + j);
      if (!(pivot > 0) || !std::isfinite(pivot)) return j;
      const Real root = std::sqrt(pivot);
      for (std::size_t i = j; i < width; ++i) column[i] = at(k + i, k + j) /= root;
      for (std::size_t i = j + 1; i < width; ++i) {
        Real* const row = &at(k + i, k);
        const Real by = column[i];
#pragma omp simd
        for (std::size_t c = j + 1; c <= i; ++c) row[c] -= by * column[c];
      }
    }
    return width;
  }

  /// The inverse of the lower triangle of a block -> diagonal_ (side, side), zeros above.
  void invert_diagonal(std::size_t k, std::size_t width) const {
    std::fill_n(diagonal_.data(), side * side, Real(0));
    for (std::size_t i = 0; i < width; ++i) {
      Real* const row = diagonal_.data() + i * side;
      for (std::size_t p = 0; p < i; ++p) {
        const Real by = at(k + i, k + p);
        const Real* const from = diagonal_.data() + p * side;
#pragma omp simd
        for (std::size_t c = 0; c <= p; ++c) row[c] -= by * from[c];
      }
      const Real pivot = at(k + i, k + i);
      for (std::size_t c = 0; c < i; ++c) row[c] /= pivot;
      row[i] = 1 / pivot;
    }
  }

  Real* const a_;
  const std::size_t n_, ld_;
  ThreadTeam& team_;
  const Buffer<Real> diagonal_;
  std::vector<const void*> own_rows_, rows_;
  std::vector<Buffer<Real>> scratch_;
  const Products<Real>& loops_ = products<Real>();
};

}  // namespace

template <class Real> std::size_t cholesky(Real* a, std::size_t n, std::size_t ld, ThreadTeam& team) {
  return Factor<Real>(a, n, ld, team).factor();
}

template <class Real>
void cholesky_solve(const Real* l, std::size_t n, std::size_t ld, Real* b, std::size_t m, std::size_t ldb) {
  const auto subtract = [&](std::size_t i, std::size_t p, Real by) {
    Real* const to = b + i * ldb;
    const Real* const from = b + p * ldb;
    for (std::size_t c = 0; c < m; ++c) to[c] -= by * from[c];
  };
  const auto divide = [&](std::size_t i) {
    for (std::size_t c = 0; c < m; ++c) b[i * ldb + c] /= l[i * ld + i];
  };
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t p = 0; p < i; ++p) subtract(i, p, l[i * ld + p]);
    divide(i);
  }
  for (std::size_t i = n; i-- > 0;) {
    divide(i);
    for (std::size_t p = 0; p < i; ++p) subtract(p, i, l[i * ld + p]);
  }
}

template <class Real> void cholesky_inverse(Real* l, std::size_t n, std::size_t ld, ThreadTeam& team) {
  Factor<Real>(l, n, ld, team).invert();
}

template std::size_t cholesky<float>(float*, std::size_t, std::size_t, ThreadTeam&);
template std::size_t cholesky<double>(double*, std::size_t, std::size_t, ThreadTeam&);
template void cholesky_solve<float>(const float*, std::size_t, std::size_t, float*, std::size_t, std::size_t);
template void cholesky_solve<double>(const double*, std::size_t, std::size_t, double*, std::size_t, std::size_t);
template void cholesky_inverse<float>(float*, std::size_t, std::size_t, ThreadTeam&);
template void cholesky_inverse<double>(double*, std::size_t, std::size_t, ThreadTeam&);

}  // namespace gs
