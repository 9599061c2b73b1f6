// Right-looking, in blocks of columns: the block on the diagonal is factored and inverted by loops, the rest are
// products. Blocks depend on n alone, and each is made by one chunk.
#include "runtime/cholesky.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/products/gemm.hpp"
#include "runtime/buffer.hpp"
#include "runtime/dispatch.hpp"

namespace gs {
namespace {

constexpr std::size_t side = 64;   // of a block on the diagonal
constexpr std::size_t tile = 128;  // of products that only have to be shared out

/// Blocks [i, i + rows) x [j, j + columns) of a lower triangle from `first` on, in tiles.
struct Part {
  std::size_t i, j, rows, columns;
};
std::vector<Part> lower_tiles(std::size_t first, std::size_t n) {
  std::vector<Part> all;
  for (std::size_t i = first; i < n; i += tile)
    for (std::size_t j = first; j <= i; j += tile) all.push_back({i, j, std::min(tile, n - i), std::min(tile, n - j)});
  return all;
}

template <class Real> class Factor {
 public:
  Factor(Real* a, std::size_t n, std::size_t ld, ThreadTeam& team)
      : a_(a),
        n_(n),
        ld_(ld),
        team_(team),
        diagonal_(side * side),
        panel_(n * side),
        rows_(std::max(n, side)),
        panel_rows_(n) {
    for (int t = 0; t < team.threads(); ++t) scratch_.emplace_back(gemm_scratch(std::max(tile, side), n));
    for (std::size_t i = 0; i < n; ++i) {
      rows_[i] = a + i * ld;
      panel_rows_[i] = panel_.data() + i * side;
    }
  }

  std::size_t factor() {
    for (std::size_t k = 0; k < n_; k += side) {
      const std::size_t width = std::min(side, n_ - k), next = k + width;
      if (const std::size_t done = factor_diagonal(k, width); done < width) return k + done;
      if (next == n_) break;
      invert_diagonal(k, width);
      // The panel below: l21 = a21 l11^-T, and its negative beside it.
      const std::size_t panels = (n_ - next + tile - 1) / tile;
      stage(panels, [&](std::size_t chunk, Real* scratch) {
        const std::size_t i = next + chunk * tile, count = std::min(tile, n_ - i);
        Real* const to = panel_.data() + i * side;
        Product<Real> q{{rows_.data() + i, source_of<Real>},
                        k,
                        false,
                        diagonal_.data(),
                        side,
                        true,
                        nullptr,
                        to,
                        side,
                        count,
                        width,
                        width};
        gemm_(q, scratch);
        for (std::size_t r = 0; r < count; ++r)
          for (std::size_t c = 0; c < width; ++c) {
            at(i + r, k + c) = to[r * side + c];
            to[r * side + c] = -to[r * side + c];
          }
      });
      const std::vector<Part> parts = lower_tiles(next, n_);
      stage(parts.size(), [&](std::size_t chunk, Real* scratch) {
        const Part& p = parts[chunk];
        Product<Real> q{{panel_rows_.data() + p.i, source_of<Real>},
                        0,
                        false,
                        &at(p.j, k),
                        ld_,
                        true,
                        nullptr,
                        &at(p.i, p.j),
                        ld_,
                        p.rows,
                        p.columns,
                        width};
        q.adds = true;
        gemm_(q, scratch);
      });
    }
    return n_;
  }

  void invert() {
    // x = l^-1, block row by block row: x_i = -l_ii^-1 (l_i x), then its own block.
    Buffer<Real> inverse(n_ * n_), sums(side * n_);
    std::vector<const void*> x(n_), own(side);
    for (std::size_t i = 0; i < n_; ++i) x[i] = inverse.data() + i * n_;
    for (std::size_t r = 0; r < side; ++r) own[r] = diagonal_.data() + r * side;
    for (std::size_t i = 0; i < n_; i += side) {
      const std::size_t width = std::min(side, n_ - i);
      invert_diagonal(i, width);
      for (std::size_t r = 0; r < width; ++r)
        std::copy_n(diagonal_.data() + r * side, width, inverse.data() + (i + r) * n_ + i);
      stage((i + tile - 1) / tile, [&](std::size_t chunk, Real* scratch) {
        const std::size_t j = chunk * tile, columns = std::min(tile, i - j);
        Real* const sum = sums.data() + j;
        Product<Real> q{{rows_.data() + i, source_of<Real>},
                        j,
                        false,
                        inverse.data() + j * n_ + j,
                        n_,
                        false,
                        nullptr,
                        sum,
                        n_,
                        width,
                        columns,
                        i - j};
        gemm_(q, scratch);
        for (std::size_t r = 0; r < width; ++r)
          for (std::size_t c = 0; c < columns; ++c) sum[r * n_ + c] = -sum[r * n_ + c];
        Product<Real> own_block{{own.data(), source_of<Real>}, 0,  false, sum,     n_,   false, nullptr,
                                inverse.data() + i * n_ + j,   n_, width, columns, width};
        gemm_(own_block, scratch);
      });
    }
    // The inverse is x^T x; both triangles at once.
    const std::vector<Part> parts = lower_tiles(0, n_);
    stage(parts.size(), [&](std::size_t chunk, Real* scratch) {
      const Part& p = parts[chunk];
      Product<Real> q{{x.data() + p.i, source_of<Real>},
                      p.i,
                      true,
                      inverse.data() + p.i * n_ + p.j,
                      n_,
                      false,
                      nullptr,
                      &at(p.i, p.j),
                      ld_,
                      p.rows,
                      p.columns,
                      n_ - p.i};
      gemm_(q, scratch);
      for (std::size_t r = 0; r < p.rows; ++r)
        for (std::size_t c = 0; c < std::min(p.columns, p.i + r - p.j); ++c)
          at(p.j + c, p.i + r) = at(p.i + r, p.j + c);
    });
  }

 private:
  Real& at(std::size_t i, std::size_t j) const { return a_[i * ld_ + j]; }

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
  const Buffer<Real> diagonal_, panel_;
  std::vector<const void*> rows_, panel_rows_;
  std::vector<Buffer<Real>> scratch_;
  const Gemm<Real> gemm_ = products<Real>().gemm;
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
