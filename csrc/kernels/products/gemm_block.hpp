// A block of the depth of a product, so that the part of b that tiles of c share stays in a near cache. a and b are
// read where they lie, but for what would be read badly there: that is copied first.
#pragma once

#include <cstring>

#include "core/blocks.hpp"
#include "core/portable.hpp"
#include "core/sixteens.hpp"
#include "kernels/products/gemm.hpp"
#include "kernels/products/pack.hpp"
#include "kernels/products/tile.hpp"

namespace gs {
namespace {

/// Columns of a panel of b.
template <class Real> constexpr std::size_t panel_columns = std::size_t(tile_vectors) * Simd<Real>::lanes;
/// Depths from which on a transposed a is copied, and copied tile by tile. The latter where tiles are small: they read
/// it as often as b, and its numbers would lie a row apart; but such a copy takes longer, and pays from some panels on.
constexpr std::size_t least_copied = 65, least_by_tiles = 129, least_panels = 8;
constexpr bool may_copy_by_tiles = tile_vectors < 4;

/// One block of the depth, [begin, begin + depth), for all of c. adds: to what c holds.
/// fused: whether it multiplies and adds at once; then a's numbers may lie where a table says.
template <class Real, bool fused> class Block {
 public:
  HD Block(const Product<Real>& q, std::size_t begin, std::size_t depth, bool adds, Real* scratch)
      : q_(q),
        begin_(begin),
        depth_(depth),
        adds_(adds),
        start_(scratch),
        over_(start_ + widest),
        panel_(over_ + tile_rows * widest) {
    // a's rows of this block: where they lie, or, where that is bad to read, copies.
    const std::size_t count = q.a_transposed ? depth : q.rows, length = q.a_transposed ? q.rows : depth;
    IndirectionBuffer from = q.a;
    if (q.a_transposed) from.at += begin;
    const std::size_t offset = q.a_offset + (q.a_transposed || q.at ? 0 : begin);
    const bool deep = q.a_transposed && depth >= least_copied;
    // Beside panels, rows of a that collide cost nothing; copying them would.
    const bool collides = !q.in_panels && count > tile_rows && collide(between(from.at[0], from.at[1]));
    if (q.at || (from.template is_plain<Real>() && !deep && !collides)) {
      rows_ = from.at;
      offset_ = offset;
      comes_slowly_ = !q.a_transposed && !q.at && count >= far_rows && is_uneven(from.at, count);
      return;
    }
    const std::size_t table = (count + 7) / 8 * 8;
    const void** const rows = reinterpret_cast<const void**>(panel_ + depth * widest);
    if constexpr (may_copy_by_tiles)
      if (q.a_transposed && depth >= least_by_tiles && q.columns >= least_panels * panel_columns<Real> && !q.line) {
        copy_by_tiles(from, offset, rows, rows + table);
        return;
      }
    Real* const to = reinterpret_cast<Real*>(rows + table);
    const std::size_t ld = q.a_transposed ? length : length + 16;
    gather(from, offset, count, length, to, ld);
    if (q.a_transposed) find_next(from, offset);
    for (std::size_t i = 0; i < count; ++i) rows[i] = to + i * ld;
    rows_ = rows;
    offset_ = 0;
  }

  // c's columns [column, column + width), width <= n_vectors * lanes
  template <int n_vectors> HD void panel(std::size_t column, std::size_t width) const {
    constexpr int full = n_vectors * Simd<Real>::lanes;
    const bool whole = width == full;
    TileArguments<Real> t{};
    t.depth = depth_;
    t.b = q_.b + (q_.b_transposed ? column * q_.ldb + begin_ : begin_ * q_.ldb + column);
    t.ldb = q_.ldb;
    if (q_.in_panels) {
      constexpr std::size_t wide = panel_columns<Real>;
      t.b = q_.b + column / wide * wide * q_.ldb + begin_ * wide + column % wide;
      t.ldb = wide;
    } else if (q_.b_transposed || !whole || (q_.rows > tile_rows && collides(q_))) {
      if (q_.b_transposed)
        pack_columns<full>(t.b, q_.ldb, depth_, width, panel_);
      else
        pack_rows<full>(t.b, q_.ldb, depth_, width, panel_);
      t.b = panel_;
      t.ldb = full;
    }
    const Real* start = q_.start ? q_.start + column : nullptr;
    if (start && !whole) {
      for (std::size_t j = 0; j < full; ++j) start_[j] = j < width ? start[j] : Real(0);
      start = start_;
    }
    t.rows = rows_;
    t.offset = offset_;
    t.at = q_.at && !q_.a_transposed ? q_.at + begin_ : q_.at;
    const Tile<Real>* const of_height = tiles<n_vectors>();
    const std::size_t line = q_.line ? q_.line : q_.rows;
    const Blocks heights(line, tile_rows);
    for (std::size_t row = 0; row < q_.rows; row += line) {
      Real* c = q_.c + (q_.line ? row / line * q_.line_stride : 0) + column;
      for (std::size_t k = 0; k < heights.count; ++k) {
        const std::size_t height = heights.size(k);
        t.c = whole ? c : over_;
        t.ldc = whole ? q_.ldc : full;
        if (!whole && adds_) copy(height, width, c, q_.ldc, over_, full);
        t.start = adds_ ? t.c : start;
        t.ld_start = adds_ ? t.ldc : 0;
        if (whole && q_.in_panels && k + 1 < heights.count) fetch<full>(c + height * q_.ldc, heights.size(k + 1));
        if (next_count_) ask();
        if (comes_slowly_ && k + 1 < heights.count) begin_rows(t.rows + height, heights.size(k + 1));
        if (short_rows_) t.rows = height == longest_ ? rows_ : short_rows_;
        of_height[height](t);
        if (!whole) copy(height, width, over_, full, c, q_.ldc);
        if (!q_.a_transposed)
          t.rows += height;
        else if (q_.at)
          t.at += height;
        else
          t.offset += short_rows_ ? height * depth_ : height;
        c += height * q_.ldc;
      }
    }
  }

  HD bool adds() const { return adds_; }
  /// Elements of scratch.
  static constexpr std::size_t widest = 8 * Simd<Real>::lanes;

 private:
  template <int n_vectors> HD const Tile<Real>* tiles() const {
    if constexpr (fused && n_vectors <= tile_vectors)
      if (q_.at)
        return q_.a_transposed ? gs::tiles<Real, n_vectors, true, true, fused>()
                               : gs::tiles<Real, n_vectors, false, true, fused>();
    return q_.a_transposed ? gs::tiles<Real, n_vectors, true, false, fused>()
                           : gs::tiles<Real, n_vectors, false, false, fused>();
  }

  static HD std::size_t between(const void* a, const void* b) {
    return std::size_t(static_cast<const char*>(b) - static_cast<const char*>(a));
  }

  // Whether rows lie at different distances, as those of a batch in a data set. They are asked for before they are read
  // where the batch is so large that no near cache has it: of few rows that costs more than it saves.
  static constexpr std::size_t far_depth = 256, far_rows = 32;
  static HD bool is_uneven(const void* const* rows, std::size_t count) {
    return count > 2 && between(rows[0], rows[1]) != between(rows[1], rows[2]);
  }

  // A transposed a, so that the numbers of a tile lie side by side. Tiles are of two heights, which have their own
  // tables of rows: the first tile's, from which on a tile finds its own by an offset.
  HD void copy_by_tiles(const IndirectionBuffer& from, std::size_t offset, const void** rows, const void** short_rows) {
    const Blocks tiles(q_.rows, tile_rows);
    Real* const to = reinterpret_cast<Real*>(short_rows + (short_rows - rows));
    gather_tiles<tile_rows>(from, offset, depth_, tiles, to);
    longest_ = tiles.size(0);
    for (std::size_t p = 0; p < depth_; ++p) {
      rows[p] = to + p * longest_;
      short_rows[p] = to + p * (longest_ - 1);
    }
    rows_ = rows;
    short_rows_ = short_rows;
    offset_ = 0;
    find_next(from, offset);
  }

  // What is copied next of a transposed a: of the rows behind these the same columns, or, behind the last block of the
  // depth, of the first ones those beside, which the next product of a thread mostly begins with.
  HD void find_next(const IndirectionBuffer& from, std::size_t offset) {
    if (q_.depth <= far_depth || !is_uneven(from.at, depth_)) return;
    std::size_t item = 0;
    of_source(from.source, [&](auto number) INLINED { item = sizeof number; });
    const std::size_t left = q_.depth - begin_ - depth_;
    next_rows_ = left > 0 ? from.at + depth_ : q_.a.at;
    next_offset_ = (left > 0 ? offset : offset + q_.rows) * item;
    next_size_ = q_.rows * item;
    next_count_ = left > 0 && left < depth_ ? left : depth_;
  }

  // Asks for a tile of c while the one before it is made.
  template <int full> HD void fetch(const Real* c, std::size_t height) const {
    constexpr int line = 64 / sizeof(Real);
    for (std::size_t i = 0; i < height; ++i, c += q_.ldc) {
#pragma GCC unroll 4
      for (int j = 0; j < full; j += line) __builtin_prefetch(c + j, 1);
      __builtin_prefetch(c + full - 1, 1);  // of a c that begins within a line
    }
  }

  // Asks for the beginning of a tile's rows while the one before it is made: a stream then goes on by itself.
  HD void begin_rows(const void* const* rows, std::size_t height) const {
    for (std::size_t i = 0; i < height; ++i) {
      const char* const row = reinterpret_cast<const char*>(static_cast<const Real*>(rows[i]) + offset_);
#pragma GCC unroll 4
      for (int line = 0; line < 3; ++line) __builtin_prefetch(row + 64 * line, 0, 2);
    }
  }

  // Asks for some of what is copied next, about as much before each of the tiles.
  __attribute__((noinline)) void ask() const {
    constexpr std::size_t line = 64;
    const std::size_t wide = panel_columns<Real>, heights = (q_.rows + tile_rows - 1) / tile_rows;
    const std::size_t tiles = heights * ((q_.columns + wide - 1) / wide);
    const std::size_t end = ++asked_for_ < tiles ? next_count_ * asked_for_ / tiles : next_count_;
    for (; asked_ < end; ++asked_) {
      const char* const row = static_cast<const char*>(next_rows_[asked_]) + next_offset_;
      for (std::size_t i = 0; i < next_size_; i += line) __builtin_prefetch(row + i, 0, 2);
      __builtin_prefetch(row + next_size_ - 1, 0, 2);
    }
    asm volatile("");  // or GCC leaves out calls of a function that only does this
  }

  static HD void copy(std::size_t height, std::size_t width, const Real* from, std::size_t ld_from, Real* to,
                      std::size_t ld_to) {
    for (std::size_t i = 0; i < height; ++i, from += ld_from, to += ld_to) {
      std::size_t j = 0;
      for (; j + fold_lanes <= width; j += fold_lanes) std::memcpy(to + j, from + j, fold_lanes * sizeof(Real));
      copy_few(from + j, width - j, to + j);
    }
  }

  const Product<Real>& q_;
  const std::size_t begin_, depth_;
  const bool adds_;
  const void* const* next_rows_ = nullptr;
  std::size_t next_offset_ = 0, next_size_ = 0, next_count_ = 0;  // bytes, bytes, rows
  mutable std::size_t asked_for_ = 0, asked_ = 0;                 // tiles so far, rows so far
  const void* const* rows_;
  std::size_t offset_;
  // Of an a that was copied tile by tile: rows of tiles that are one shorter than the longest; else null.
  const void* const* short_rows_ = nullptr;
  std::size_t longest_ = 0;
  bool comes_slowly_ = false;  // whether rows are read where they lie in a data set
  // Scratch: the padded start, a tile that hangs over c's edge, a panel of b; then what is copied of a.
  Real *const start_, *const over_, *const panel_;
};

/// work(block) for each block of the depth.
template <bool fused, class Real, class Work>
HD void each_block(const Product<Real>& q, Real* scratch, const Work& work) {
  const Blocks depths(q.depth, q.in_panels ? q.depth : gemm_depth);
  for (std::size_t k = 0; k < depths.count; ++k) {
    if (k > 0 && q.is_cancelled && q.is_cancelled()) return;
    work(Block<Real, fused>(q, depths.begin(k), depths.size(k), q.adds || k > 0, scratch));
  }
}

}  // namespace
}  // namespace gs
