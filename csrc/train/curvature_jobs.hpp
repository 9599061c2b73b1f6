// Symmetric products in tiles of their lower triangles.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "kernels/gemm.hpp"
#include "runtime/dispatch.hpp"
#include "runtime/job.hpp"

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

inline constexpr std::size_t lower_tile = 96;

/// to (n, n) = keep to + take x^T x, of x (rows, n); keep and take are read in each run.
template <class Real> class GramJob : public Job<Real> {
 public:
  GramJob(const void* const* rows, const Real* x, std::size_t ld, std::size_t depth, std::size_t n, Real* to,
          const double& keep, const double& take)
      : rows_(rows), x_(x), ld_(ld), depth_(depth), n_(n), to_(to), keep_(keep), take_(take), tiles_(n, lower_tile) {
    this->chunks = tiles_.count();
    this->scratch = lower_tile * lower_tile + gemm_scratch(lower_tile, depth);
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
                          lower_tile,
                          tile.rows,
                          tile.columns,
                          depth_};
    products<Real>().gemm(q, scratch + lower_tile * lower_tile);
    const Real keep = Real(keep_), take = Real(take_);
    for (std::size_t r = 0; r < tile.rows; ++r) {
      Real* const row = to_ + (tile.i + r) * n_ + tile.j;
      const Real* const fresh = scratch + r * lower_tile;
      const std::size_t last = std::min(tile.columns, tile.i + r - tile.j + 1);
      for (std::size_t c = 0; c < last; ++c) row[c] = keep * row[c] + take * fresh[c];
      for (std::size_t c = 0; c < last; ++c) to_[(tile.j + c) * n_ + tile.i + r] = row[c];
    }
  }

  std::string name() const override { return "gram " + std::to_string(n_); }

 private:
  const void* const* const rows_;
  const Real* const x_;
  const std::size_t ld_, depth_, n_;
  Real* const to_;
  const double &keep_, &take_;
  const LowerTiles tiles_;
};

/// The sum of the elements of (p q^T) times those of (r s^T), p, q (n, depth), r, s (n, depth of theirs), where both
/// products are symmetric; or of (p q^T) times those of s (n, n), where r is null.
template <class Real> class TraceJob : public Job<Real> {
 public:
  struct Factor {
    const void* const* rows;  // of p
    const Real* other;        // q
    std::size_t ld, depth;
  };
  TraceJob(const Factor& left, const Factor& right, std::size_t n, std::vector<double>& sums)
      : left_(left), right_(right), tiles_(n, lower_tile), sums_(sums) {
    this->chunks = tiles_.count();
    this->scratch = 2 * lower_tile * lower_tile + gemm_scratch(lower_tile, std::max(left.depth, right.depth));
    sums_.resize(this->chunks);
  }

  void run(std::size_t chunk, Real* scratch) const override {
    const auto tile = tiles_[chunk];
    Real *const one = scratch, *const two = one + lower_tile * lower_tile;
    const auto multiply = [&](const Factor& f, Real* to) {
      const Product<Real> q{{f.rows + tile.i, source_of<Real>},
                            0,
                            false,
                            f.other + tile.j * f.ld,
                            f.ld,
                            true,
                            nullptr,
                            to,
                            lower_tile,
                            tile.rows,
                            tile.columns,
                            f.depth};
      products<Real>().gemm(q, two + lower_tile * lower_tile);
    };
    multiply(left_, one);
    if (right_.rows) multiply(right_, two);
    double sum = 0;
    for (std::size_t r = 0; r < tile.rows; ++r) {
      const Real* const a = one + r * lower_tile;
      const Real* const b = right_.rows ? two + r * lower_tile : right_.other + (tile.i + r) * right_.ld + tile.j;
      double of_row = 0;
      for (std::size_t c = 0; c < tile.columns; ++c) of_row += double(a[c]) * double(b[c]);
      sum += of_row;
    }
    sums_[chunk] = tile.i == tile.j ? sum : 2 * sum;
  }

  std::string name() const override { return "trace"; }

 private:
  const Factor left_, right_;
  const LowerTiles tiles_;
  std::vector<double>& sums_;
};

}  // namespace gs
