// A large matrix product: b is packed once for all of c, a block of the depth at a time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "core/blocks.hpp"
#include "kernels/products/gemm.hpp"
#include "runtime/buffer.hpp"
#include "runtime/cpu.hpp"
#include "runtime/dispatch.hpp"
#include "runtime/job.hpp"
#include "runtime/threads.hpp"

namespace gs {

/// c = start + a b. Each sum goes along the depth in order, whatever the blocks: their sizes, which depend on the
/// caches of the machine, change no bits.
template <class Real> class PackedProduct {
 public:
  explicit PackedProduct(const Product<Real>& whole)
      : whole_(whole), depths_(whole.depth, deepest(whole)), parts_(whole.columns, widest), grid_(blocks()) {}

  /// Whether packing pays: b is then read from panels that lie side by side, where it would be from rows far apart.
  static bool pays(const Product<Real>& q) {
    const double multiplications = double(q.rows) * double(q.columns) * double(q.depth);
    return q.rows >= 96 && multiplications >= (collides(q) ? 1 << 24 : 100'000'000);
  }

  /// Pieces of work that may run side by side.
  std::size_t chunks() const { return grid_.chunks(); }
  /// Elements of memory for the panels; of scratch for a thread.
  std::size_t panels() const { return depths_.size(0) * count(parts_.size(0)) * wide_; }
  std::size_t scratch() const { return gemm_scratch(grid_.rows.size(0), depths_.size(0), depths_.size(0)); }

  void run(ThreadTeam& team, Real* panels, const std::vector<Buffer<Real>>& scratch) const {
    for (std::size_t j = 0; j < parts_.count; ++j)
      for (std::size_t k = 0; k < depths_.count; ++k) run_part(part(j, k), team, panels, scratch);
  }

 private:
  // Of the depth at once: coming back to a tile of c costs more than panels that no near cache holds; but copies of an
  // a that lies across have to be in one.
  static std::size_t deepest(const Product<Real>& q) { return q.a_transposed ? gemm_depth : 4096 / sizeof(Real); }
  // Columns whose panels, of a block of the depth, are packed at once: some megabytes.
  static constexpr std::size_t widest = 4096;

  /// Columns j of c and block k of the depth.
  Product<Real> part(std::size_t j, std::size_t k) const {
    Product<Real> q = whole_;
    const std::size_t column = parts_.begin(j), begin = depths_.begin(k);
    if (q.a_transposed)
      q.a.at += begin;
    else
      q.a_offset += begin;
    q.b += q.b_transposed ? column * q.ldb + begin : begin * q.ldb + column;
    q.c += column;
    if (q.start) q.start += column;
    q.columns = parts_.size(j);
    q.depth = depths_.size(k);
    q.adds = k > 0;
    return q;
  }

  void run_part(const Product<Real>& part, ThreadTeam& team, Real* panels,
                const std::vector<Buffer<Real>>& scratch) const {
    const auto& loops = products<Real>();
    const std::size_t panel = part.depth * wide_;
    team.stage(count(part.columns), [&](std::size_t i, int) { loops.pack_panel(part, i * wide_, panels + i * panel); });
    const Grid grid(part.rows, count(part.columns), grid_.rows.size(0), grid_.columns.size(0), true);
    team.stage(grid.chunks(), [&](std::size_t chunk, int thread) {
      const auto b = grid.block(chunk);
      Product<Real> q = part;
      if (q.a_transposed)
        q.a_offset += b.row;
      else
        q.a.at += b.row;
      q.b = panels + b.column * panel;
      q.ldb = part.depth;
      q.b_transposed = false;
      q.in_panels = true;
      q.c += b.row * q.ldc + b.column * wide_;
      if (q.start) q.start += b.column * wide_;
      q.rows = b.rows;
      q.columns = std::min(b.columns * wide_, part.columns - b.column * wide_);
      loops.gemm(q, scratch[std::size_t(thread)].data());
    });
  }

  // Blocks of c, in rows and in panels. A block of a fills a quarter of the second cache: it is read again for each
  // panel, beside which b and c pass through. They follow each other down the columns, whose panels stay near. Blocks
  // are as wide as leave enough of them for many threads, since each copies its part of an a that lies badly.
  Grid blocks() const {
    const std::size_t bytes = depths_.size(0) * sizeof(Real), most = 512, least = 48;
    std::size_t rows = std::clamp(cache_sizes().l2 / 4 / bytes, least, most);
    std::size_t panels = std::max<std::size_t>(1, 4096 / sizeof(Real) / wide_);
    const std::size_t narrow = std::max<std::size_t>(1, panels / 4);
    const auto grid = [&] { return Grid(whole_.rows, count(parts_.size(0)), rows, panels, true); };
    while (grid().chunks() < 32 && (panels > narrow || rows > least)) {
      if (panels > narrow)
        panels /= 2;
      else
        rows = std::max(least, rows / 2);
    }
    return grid();
  }

  /// Panels of so many columns.
  std::size_t count(std::size_t columns) const { return (columns + wide_ - 1) / wide_; }

  const Product<Real> whole_;
  const std::size_t wide_ = products<Real>().panel_columns;
  const Blocks depths_, parts_;
  const Grid grid_;
};

}  // namespace gs
