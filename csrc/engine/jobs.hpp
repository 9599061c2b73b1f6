// The jobs a plan is made of. A job is cut into chunks that may run in any order on any thread; where the borders lie
// depends on shapes alone, so the results do not depend on the number of threads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>

#include "engine/dispatch.hpp"
#include "engine/rules.hpp"
#include "kernels/gemm.hpp"
#include "kernels/map.hpp"
#include "kernels/reduce.hpp"
#include "kernels/sweep.hpp"

namespace gs {

/// A weight of a layer: what it is, and what becomes of its gradient.
template <class Real> struct Weight {
  Real* w = nullptr;
  Real* gradient = nullptr;  // the gradient is written here; if null, it moves w at once and is never stored
  void* state[max_slots] = {};
};

/// How a training step moves weights: the optimizer's loop, and the constants of the step at hand.
struct Mover {
  Sweep sweep = nullptr;
  std::size_t slots = 0;
  AnyUpdate update{};

  /// g (n): the gradient of elements [at, at + n) of the weight.
  template <class Real> void move(const Weight<Real>& weight, std::size_t at, const Real* g, std::size_t n) const {
    if (weight.gradient) {
      std::copy(g, g + n, weight.gradient + at);
      return;
    }
    void* state[max_slots];
    for (std::size_t s = 0; s < slots; ++s) state[s] = static_cast<Real*>(weight.state[s]) + at;
    sweep(&update, weight.w + at, g, state, n);
  }
};

template <class Real> class Job {
 public:
  virtual ~Job() = default;
  virtual void run(std::size_t chunk, Real* scratch) const = 0;
  virtual std::string name() const = 0;  // for profiles
  std::size_t chunks = 1;
  std::size_t scratch = 0;  // elements
};

/// A matrix cut into blocks of rows and columns.
struct Grid {
  std::size_t rows, columns, block_rows, block_columns;

  std::size_t across() const { return (columns + block_columns - 1) / block_columns; }
  std::size_t chunks() const { return (rows + block_rows - 1) / block_rows * across(); }
  struct Block {
    std::size_t row, column, rows, columns;
  };
  Block block(std::size_t chunk) const {
    const std::size_t row = chunk / across() * block_rows, column = chunk % across() * block_columns;
    return {row, column, std::min(block_rows, rows - row), std::min(block_columns, columns - column)};
  }
};

template <class Real> std::string sizes(const Product<Real>& q) {
  return std::to_string(q.rows) + "x" + std::to_string(q.depth) + "x" + std::to_string(q.columns);
}

/// c = start + a b, and what is done to each block of c while it is in cache.
template <class Real> class ProductJob : public Job<Real> {
 public:
  ProductJob(const Product<Real>& whole, std::size_t block_rows, std::size_t block_columns)
      : whole(whole), grid_{whole.rows, whole.columns, block_rows, block_columns}, gemm_(gemm<Real>()) {
    this->chunks = grid_.chunks();
    this->scratch = gemm_scratch(whole.depth);
  }

  void run(std::size_t chunk, Real* scratch) const override {
    const auto b = grid_.block(chunk);
    Product<Real> q = whole;
    q.a += b.row;
    q.b += b.column * (q.b_transposed ? q.ldb : 1);
    q.c += b.row * q.ldc + b.column;
    if (q.start) q.start += b.column;
    q.rows = b.rows;
    q.columns = b.columns;
    gemm_(q, scratch);
    for (std::size_t i = b.row; (forward || backward) && i < b.row + b.rows; ++i) {
      const std::size_t at = i * q.ldc + b.column;
      if (forward) forward(whole.c + at, y + at, b.columns);
      if (backward) backward(z + at, y + at, whole.c + at, whole.c + at, b.columns);
    }
  }

  std::string name() const override { return (whole.b_transposed ? "back " : "forward ") + sizes(whole); }

  const Product<Real> whole;
  MapForward forward = nullptr;    // y = f(c)
  MapBackward backward = nullptr;  // c *= f'(z)
  Real* z = nullptr;
  Real* y = nullptr;

 private:
  const Grid grid_;
  const Gemm<Real> gemm_;
};

/// The gradient x^T dz of a kernel (rows, columns) in tiles; each moves its part of the kernel while it is in cache.
template <class Real> class LearnProductJob : public Job<Real> {
 public:
  LearnProductJob(const Product<Real>& whole, const Weight<Real>& weight, const Mover& mover)
      : whole_(whole), grid_(tiles(whole)), weight_(weight), mover_(mover), gemm_(gemm<Real>()) {
    this->chunks = grid_.chunks();
    this->scratch = grid_.block_rows * grid_.block_columns + gemm_scratch(whole.depth);
  }

  void run(std::size_t chunk, Real* scratch) const override {
    const auto b = grid_.block(chunk);
    Product<Real> q = whole_;
    q.a_offset += b.row;
    q.b += b.column;
    q.c = scratch;
    q.ldc = b.columns;
    q.rows = b.rows;
    q.columns = b.columns;
    gemm_(q, scratch + grid_.block_rows * grid_.block_columns);
    if (b.columns == whole_.columns) {
      mover_.move(weight_, b.row * b.columns, q.c, b.rows * b.columns);
    } else {
      for (std::size_t i = 0; i < b.rows; ++i)
        mover_.move(weight_, (b.row + i) * whole_.columns + b.column, q.c + i * b.columns, b.columns);
    }
  }

  std::string name() const override { return "learn " + sizes(whole_); }

 private:
  // A tile and its part of b stay in the second cache. Few rows of full width make long sweeps; a deep product is
  // better off with a narrow b that more rows share.
  static Grid tiles(const Product<Real>& q) {
    if (q.depth <= 64) return {q.rows, q.columns, 24, std::min<std::size_t>(q.columns, 256)};
    return {q.rows, q.columns, 96, std::min<std::size_t>(q.columns, 64)};
  }

  const Product<Real> whole_;
  const Grid grid_;
  const Weight<Real>& weight_;
  const Mover& mover_;
  const Gemm<Real> gemm_;
};

/// The gradient of a bias: dz (rows, columns) summed over its rows.
template <class Real> class LearnSumJob : public Job<Real> {
 public:
  LearnSumJob(const Real* dz, std::size_t rows, std::size_t columns, const Weight<Real>& weight, const Mover& mover)
      : dz_(dz), rows_(rows), grid_{1, columns, 1, 512}, weight_(weight), mover_(mover) {
    this->chunks = grid_.chunks();
    this->scratch = 512;
  }

  void run(std::size_t chunk, Real* scratch) const override {
    const auto b = grid_.block(chunk);
    kernels().reduce.column_sums[dtype_of<Real>()](dz_ + b.column, grid_.columns, rows_, b.columns, scratch);
    mover_.move(weight_, b.column, scratch, b.columns);
  }

  std::string name() const override { return "learn bias " + std::to_string(grid_.columns); }

 private:
  const Real* dz_;
  const std::size_t rows_;
  const Grid grid_;
  const Weight<Real>& weight_;
  const Mover& mover_;
};

/// Anything done to each of some rows on its own: work(first row, how many).
template <class Real, class Work> class RowsJob : public Job<Real> {
 public:
  RowsJob(std::size_t rows, std::size_t block, Work work) : grid_{rows, 1, block, 1}, work_(std::move(work)) {
    this->chunks = grid_.chunks();
  }
  void run(std::size_t chunk, Real*) const override {
    const auto b = grid_.block(chunk);
    work_(b.row, b.rows);
  }

  std::string name() const override { return "rows"; }

 private:
  const Grid grid_;
  const Work work_;
};

}  // namespace gs
