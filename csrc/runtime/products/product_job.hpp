// A matrix product in blocks.
#pragma once

#include <cstddef>
#include <string>

#include "activations/all.hpp"
#include "kernels/layers/map.hpp"
#include "kernels/products/gemm.hpp"
#include "runtime/dispatch.hpp"
#include "runtime/fetch.hpp"
#include "runtime/job.hpp"
#include "runtime/products/relay.hpp"
#include "runtime/threads.hpp"

namespace gs {

template <class Real> std::string sizes(const Product<Real>& q) {
  return std::to_string(q.rows) + "x" + std::to_string(q.depth) + "x" + std::to_string(q.columns);
}

/// c = start + a b, and what is done to each block of c while it is in cache.
template <class Real> class ProductJob : public Job<Real> {
 public:
  /// in_halves: whether one thread is to read the first half of b, and another the second, as where each of them moves
  /// its half in every step: a line that another core has read takes long to write. The same bits.
  explicit ProductJob(const Product<Real>& whole, Gemm<Real> gemm = products<Real>().gemm, bool in_halves = false)
      : whole(whole), grid_(blocks(whole, in_halves)), gemm_(gemm), relay_(in_halves ? grid_.chunks() : 0) {
    this->chunks = in_halves ? 2 * grid_.chunks() : grid_.chunks();
    this->in_order = in_halves;
    this->scratch = gemm_scratch(grid_.rows.size(0), whole.depth);
  }

  /// Whether halves are worth it for a weight: it has many numbers, and c few, which go from one thread to the other.
  static bool gains_by_halves(const Product<Real>& q) {
    return q.depth >= 6 * q.rows && q.depth * q.columns >= 1 << 15 && !q.at && !q.b_transposed && !q.in_panels &&
           !collides(q) && blocks(q, true).chunks() >= 4;
  }

  void begin(int threads) const override {
    is_alone_ = threads == 1;
    relay_.begin();
  }

  void run(std::size_t chunk, Real* scratch) const override {
    const std::size_t pieces = grid_.chunks();
    if (this->chunks == pieces || is_alone_) {
      if (chunk >= pieces) return;  // a second half, done with the first
      const auto b = grid_.block(chunk);
      fetch_around(b);
      gemm_(part(b), scratch);
      follow(b);
    } else if (chunk < pieces) {
      relay_.first(chunk, [&] { first_half(chunk, scratch); });
    } else {
      // One piece behind the other thread: the first of these chunks has nothing to do, and the last one two pieces.
      if (chunk > pieces) second_half(chunk - pieces - 1, scratch);
      if (chunk + 1 == 2 * pieces) second_half(pieces - 1, scratch);
    }
  }

  std::string name() const override { return (whole.b_transposed ? "back " : "forward ") + sizes(whole); }

  const Product<Real> whole;
  Real* sum = nullptr;             // sum += c; what follows is done to the sum
  MapForward forward = nullptr;    // y = f(c)
  MapBackward backward = nullptr;  // c *= f'(z)
  decltype(ActivationUse::settings) settings{};
  Real* z = nullptr;  // y, if f' does not read it
  Real* y = nullptr;

 private:
  Product<Real> part(const Grid::Block& b) const {
    Product<Real> q = whole;
    if (q.a_transposed)
      q.a_offset += b.row;
    else
      q.a.at += b.row;
    q.b += b.column * (q.b_transposed || q.in_panels ? q.ldb : 1);  // blocks are whole panels
    q.c += b.row * q.ldc + b.column;
    if (q.start) q.start += b.column;
    q.rows = b.rows;
    q.columns = b.columns;
    q.is_cancelled = &ThreadTeam::is_cancelled;
    return q;
  }

  void first_half(std::size_t piece, Real* scratch) const {
    Product<Real> q = part(grid_.block(piece));
    q.depth /= 2;
    gemm_(q, scratch);
  }
  void second_half(std::size_t piece, Real* scratch) const {
    relay_.after_first(piece, [&] { first_half(piece, scratch); });
    const auto b = grid_.block(piece);
    Product<Real> q = part(b);
    const std::size_t half = q.depth / 2;
    q.a_offset += half;
    q.b += half * q.ldb;
    q.depth -= half;
    q.adds = true;
    fetch_around(b);
    gemm_(q, scratch);
    follow(b);
  }

  // What comes after the product is read while that goes on: it lies in pieces that no cache foresees.
  void fetch_around(const Grid::Block& b) const {
    const std::size_t at = b.row * whole.ldc + b.column;
    const MatrixLayout area(b.rows, b.columns, whole.ldc);
    if (sum) fetch(sum + at, area);
    if (forward && y != whole.c) fetch(y + at, area);
    if (backward) {
      fetch(y + at, area);
      if (z != y) fetch(z + at, area);
    }
  }

  /// What is done to a block of c.
  void follow(const Grid::Block& b) const {
    const std::size_t at = b.row * whole.ldc + b.column;
    const MatrixLayout area(b.rows, b.columns, whole.ldc);
    if (sum) {
      const bool at_once = b.columns == whole.ldc;
      const std::size_t rows = at_once ? 1 : b.rows, n = at_once ? b.rows * b.columns : b.columns;
      for (std::size_t i = 0; i < rows; ++i) add_to(sum + at + i * whole.ldc, whole.c + at + i * whole.ldc, n);
    }
    Real* const result = (sum ? sum : whole.c) + at;
    if (forward) forward(settings.data(), result, y + at, area);
    if (backward) backward(settings.data(), z + at, y + at, result, result, area);
  }

  // Blocks as tall as leave forty of them, so that many threads have something to do at small batches; tall ones anyway
  // where a or b has to be packed, which each block does. Numbered down the columns while all of a stays in a near
  // cache: then a thread reads its own part of b only. In halves of two tiles of rows, as a thread waits for the first.
  static Grid blocks(const Product<Real>& q, bool in_halves) {
    const bool packs = q.a_transposed || q.b_transposed || (collides(q) && !q.in_panels);
    const std::size_t columns = q.columns < 1024 ? 64 : 128;
    const bool down = q.rows * q.depth <= (1u << 17);
    if (in_halves) return {q.rows, q.columns, 12, columns, down, Grid::panel};
    std::size_t rows = 1024 / sizeof(Real);
    while (!packs && rows > 24 && Grid(q.rows, q.columns, rows, columns, false, Grid::panel).chunks() < 40) rows /= 2;
    return {q.rows, q.columns, rows, columns, down, Grid::panel};
  }

  const Grid grid_;
  const Gemm<Real> gemm_;
  const Relay relay_;
  mutable bool is_alone_ = false;
};

}  // namespace gs
