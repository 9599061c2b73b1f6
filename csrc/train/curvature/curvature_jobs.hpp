// Symmetric products in tiles of their lower triangles.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "kernels/products/gemm.hpp"
#include "runtime/dispatch.hpp"
#include "runtime/job.hpp"
#include "runtime/products/mirror.hpp"

namespace gs {

/// Tiles (i, j), j <= i, of a matrix of n rows and columns.
class LowerTiles {
 public:
  LowerTiles(std::size_t n, std::size_t side) : side_(side), n_(n), count_((n + side - 1) / side) {}
  std::size_t count() const { return count_ * (count_ + 1) / 2; }
  struct Tile {
    std::size_t i, j, rows, columns;
  };
  Tile operator[](std::size_t k) const {
    std::size_t row = 0;
    while ((row + 1) * (row + 2) / 2 <= k) ++row;
    const std::size_t i = row * side_, j = (k - row * (row + 1) / 2) * side_;
    return {i, j, std::min(side_, n_ - i), std::min(side_, n_ - j)};
  }

 private:
  std::size_t side_, n_, count_;
};

/// to (n, n) = keep to + take x^T x, of x (depth, n), whose rows lie at `rows`; keep and take are read in each run.
template <class Real> class GramJob : public Job<Real> {
 public:
  GramJob(const void* const* rows, const Real* x, std::size_t ld, std::size_t depth, std::size_t n, Real* to,
          const double& keep, const double& take)
      : rows_(rows), x_(x), ld_(ld), depth_(depth), n_(n), to_(to), keep_(keep), take_(take), tiles_(n, side) {
    this->chunks = tiles_.count();
    this->scratch = side * side + gemm_scratch(side, depth);
  }

  void run(std::size_t chunk, Real* scratch) const override {
    const auto tile = tiles_[chunk];
    const Product<Real> q{{rows_, source_of<Real>},
                          tile.i,
                          true,
                          x_ + tile.j,
                          ld_,
                          false,
                          nullptr,
                          scratch,
                          side,
                          tile.rows,
                          tile.columns,
                          depth_};
    products<Real>().gemm(q, scratch + side * side);
    const Real keep = Real(keep_), take = Real(take_);
    for (std::size_t r = 0; r < tile.rows; ++r) {
      Real *const row = to_ + (tile.i + r) * n_ + tile.j, *const fresh = scratch + r * side;
#pragma omp simd
      for (std::size_t c = 0; c < tile.columns; ++c) row[c] = fresh[c] = keep * row[c] + take * fresh[c];
    }
    // The upper triangle is copied from the lower one, so that the matrix is symmetric to the bit.
    mirror(scratch, side, tile.rows, tile.columns, tile.i == tile.j, to_ + tile.j * n_ + tile.i, n_);
  }

  std::string name() const override { return "gram " + std::to_string(n_); }

 private:
  static constexpr std::size_t side = 96;  // of a tile

  const void* const* const rows_;
  const Real* const x_;
  const std::size_t ld_, depth_, n_;
  Real* const to_;
  const double &keep_, &take_;
  const LowerTiles tiles_;
};

/// The sum of the elements of one matrix (n, n) times those of another, both symmetric.
template <class Real> class TraceJob : public Job<Real> {
 public:
  /// The matrix a b; without rows of a, b itself.
  struct Product {
    struct {
      const void* const* rows = nullptr;
      bool transposed = false;
    } a;
    const Real* b;
    std::size_t ldb;
    bool b_transposed;
    std::size_t depth;
  };
  TraceJob(const Product& one, const Product& other, std::size_t n, std::vector<double>& sums)
      : one_(one), other_(other), tiles_(n, side), sums_(sums) {
    this->chunks = tiles_.count();
    this->scratch = 2 * side * side + gemm_scratch(side, std::max(one.depth, other.depth));
    sums_.resize(this->chunks);
  }

  void run(std::size_t chunk, Real* scratch) const override {
    const auto tile = tiles_[chunk];
    Real* const free = scratch + 2 * side * side;
    const auto [a, lda] = part(one_, tile, scratch, free);
    const auto [b, ldb] = part(other_, tile, scratch + side * side, free);
    double sums[side] = {};
    for (std::size_t r = 0; r < tile.rows; ++r) {
      const Real *const p = a + r * lda, *const q = b + r * ldb;
#pragma omp simd
      for (std::size_t c = 0; c < tile.columns; ++c) sums[c] += double(p[c]) * double(q[c]);
    }
    double sum = 0;
    for (const double of_column : sums) sum += of_column;
    sums_[chunk] = tile.i == tile.j ? sum : 2 * sum;
  }

  std::string name() const override { return "trace"; }

 private:
  /// A tile of a matrix, where it lies or in `to`; and its row stride.
  std::pair<const Real*, std::size_t> part(const Product& m, const LowerTiles::Tile& tile, Real* to, Real* free) const {
    if (!m.a.rows) return {m.b + tile.i * m.ldb + tile.j, m.ldb};
    const gs::Product<Real> q{{m.a.transposed ? m.a.rows : m.a.rows + tile.i, source_of<Real>},
                              m.a.transposed ? tile.i : 0,
                              m.a.transposed,
                              m.b + tile.j * (m.b_transposed ? m.ldb : 1),
                              m.ldb,
                              m.b_transposed,
                              nullptr,
                              to,
                              side,
                              tile.rows,
                              tile.columns,
                              m.depth};
    products<Real>().gemm(q, free);
    return {to, side};
  }

  // Of a tile: of a matrix with a row for each of a batch, larger ones would be more of the upper triangle.
  static constexpr std::size_t side = 32;

  const Product one_, other_;
  const LowerTiles tiles_;
  std::vector<double>& sums_;
};

}  // namespace gs
