// c = start + a b, a block of the depth after another, so that the part of b that tiles of c share stays in a near
// cache. a and b are read where they lie, but for what would be read badly there: that is copied first.
#include "kernels/gemm.hpp"

#include "core/parts.hpp"
#include "core/portable.hpp"
#include "kernels/pack.hpp"
#include "kernels/tile.hpp"

namespace gs {
namespace {

/// One block of the depth, [begin, begin + depth), for all of c.
template <class Real> class Block {
 public:
  HD Block(const Product<Real>& q, std::size_t begin, std::size_t depth, Real* scratch)
      : q_(q),
        begin_(begin),
        depth_(depth),
        start_(scratch),
        over_(start_ + widest),
        panel_(over_ + tile_rows * widest) {
    // a's rows of this block: where they lie, or, where that is bad to read, copies.
    const std::size_t count = q.a_transposed ? depth : q.rows, length = q.a_transposed ? q.rows : depth;
    Rows from = q.a;
    if (q.a_transposed) from.at += begin;
    const std::size_t offset = q.a_offset + (q.a_transposed ? 0 : begin);
    const bool deep = q.a_transposed && depth > 64;
    if (from.template is_plain<Real>() && !deep && !(count > tile_rows && collide(between(from.at[0], from.at[1])))) {
      rows_ = from.at;
      offset_ = offset;
      return;
    }
    const void** const rows = reinterpret_cast<const void**>(panel_ + depth * widest);
    Real* const to = reinterpret_cast<Real*>(rows + (count + 7) / 8 * 8);
    const std::size_t ld = q.a_transposed ? length : length + 16;
    gather(from, offset, count, length, to, ld);
    for (std::size_t i = 0; i < count; ++i) rows[i] = to + i * ld;
    rows_ = rows;
    offset_ = 0;
  }

  // c's columns [column, column + width), width <= n_vectors * lanes
  template <int n_vectors> HD void panel(std::size_t column, std::size_t width) const {
    q_.a_transposed ? panel<n_vectors, true>(column, width) : panel<n_vectors, false>(column, width);
  }

  /// Elements of scratch.
  static constexpr std::size_t widest = 8 * Simd<Real>::lanes;

 private:
  template <int n_vectors, bool lies_across> HD void panel(std::size_t column, std::size_t width) const {
    constexpr int full = n_vectors * Simd<Real>::lanes;
    const bool whole = width == full;
    TileArguments<Real> t{};
    t.depth = depth_;
    t.b = q_.b + (q_.b_transposed ? column * q_.ldb + begin_ : begin_ * q_.ldb + column);
    t.ldb = q_.ldb;
    if (q_.b_transposed || !whole || (q_.rows > tile_rows && collides(q_))) {
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
    Real* c = q_.c + column;
    const Parts heights(q_.rows, tile_rows);
    for (std::size_t k = 0; k < heights.count; ++k) {
      const std::size_t height = heights.size(k);
      t.c = whole ? c : over_;
      t.ldc = whole ? q_.ldc : full;
      if (!whole && begin_ > 0) copy(height, width, c, q_.ldc, over_, full);
      t.start = begin_ > 0 ? t.c : start;
      t.ld_start = begin_ > 0 ? t.ldc : 0;
      tiles<Real, n_vectors, lies_across>()[height](t);
      if (!whole) copy(height, width, over_, full, c, q_.ldc);
      if (lies_across)
        t.offset += height;
      else
        t.rows += height;
      c += height * q_.ldc;
    }
  }

  static HD std::size_t between(const void* a, const void* b) {
    return std::size_t(static_cast<const char*>(b) - static_cast<const char*>(a));
  }

  static HD void copy(std::size_t height, std::size_t width, const Real* from, std::size_t ld_from, Real* to,
                      std::size_t ld_to) {
    for (std::size_t i = 0; i < height; ++i)
      for (std::size_t j = 0; j < width; ++j) to[i * ld_to + j] = from[i * ld_from + j];
  }

  const Product<Real>& q_;
  const std::size_t begin_, depth_;
  const void* const* rows_;
  std::size_t offset_;
  // Scratch: the padded start, a tile that hangs over c's edge, a panel of b; then what is copied of a.
  Real *const start_, *const over_, *const panel_;
};

// Few rows against a transposed b: packing would cost more than it saves, so each element of c is a sum along two rows.
template <class Real> HD void dots(const Product<Real>& q) {
  using Vector = typename Simd<Real>::Vector;
  constexpr std::size_t lanes = Simd<Real>::lanes, wide = 4 * lanes;
  for (std::size_t i = 0; i < q.rows; ++i) {
    const Real* left = static_cast<const Real*>(q.a.at[i]) + q.a_offset;
    for (std::size_t j = 0; j < q.columns; ++j) {
      const Real* right = q.b + j * q.ldb;
      Vector sum[4] = {};
      std::size_t p = 0;
      for (; p + wide <= q.depth; p += wide)
#pragma GCC unroll 4
        for (std::size_t k = 0; k < 4; ++k) sum[k] += load(left + p + k * lanes) * load(right + p + k * lanes);
      for (; p + lanes <= q.depth; p += lanes) sum[0] += load(left + p) * load(right + p);
      sum[0] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
      Real total = q.start ? q.start[j] : Real(0);
      for (std::size_t k = 0; k < lanes; ++k) total += sum[0][k];
      for (; p < q.depth; ++p) total += left[p] * right[p];
      q.c[i * q.ldc + j] = total;
    }
  }
}

// All panels of at least n_vectors that fit from column j on, then the rest in narrower ones.
template <int n_vectors, class Real> HD void panels(const Block<Real>& block, std::size_t columns, std::size_t j) {
  constexpr std::size_t full = n_vectors * Simd<Real>::lanes;
  for (; j + full <= columns; j += full) block.template panel<n_vectors>(j, full);
  if constexpr (n_vectors == 1) {
    if (j < columns) block.template panel<1>(j, columns - j);
  } else if (columns - j > full / 2) {
    block.template panel<n_vectors>(j, columns - j);
  } else {
    panels<n_vectors / 2>(block, columns, j);
  }
}

template <class Real> void gemm(const Product<Real>& q, Real* scratch) {
  if (q.b_transposed && !q.a_transposed && q.rows <= 3 && q.a.template is_plain<Real>()) return dots(q);
  const Parts depths(q.depth, gemm_depth);
  for (std::size_t k = 0; k < depths.count; ++k) {
    if (k > 0 && q.is_cancelled && q.is_cancelled()) return;
    const Block<Real> block(q, depths.begin(k), depths.size(k), scratch);
    // Few rows: wider tiles, so that enough sums are in flight to hide the latency of the multiply-add.
    if (q.rows == 1)
      panels<8>(block, q.columns, 0);
    else if (q.rows <= 3)
      panels<4>(block, q.columns, 0);
    else
      panels<tile_vectors>(block, q.columns, 0);
  }
}

template <class Real> void gather_all(const Rows& x, std::size_t count, std::size_t n, Real* to, std::size_t ld) {
  gather(x, 0, count, n, to, ld);
}

constexpr GemmTable table{{gemm<float>, gather_all<float>}, {gemm<double>, gather_all<double>}};

}  // namespace

template <> const GemmTable& gemm_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
