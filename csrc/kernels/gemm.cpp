// c = start + a b in register tiles. A tile holds up to `tile_rows` x `n_vectors` vectors of c; each step of the depth
// loads n_vectors of b, and multiplies them by one number of a for each row. a is read through row pointers, where it
// lies; b where it lies if its rows are whole vectors, else from a packed copy of one panel, padded with zeros.
#include "kernels/gemm.hpp"

#include "core/portable.hpp"

namespace gs {
namespace {

#if defined(__AVX512F__)
constexpr int vector_bytes = 64, tile_rows = 12;
#elif defined(__AVX__)
constexpr int vector_bytes = 32, tile_rows = 6;  // 16 registers: 12 sums, 2 of b, 1 of a
#elif defined(__aarch64__)
constexpr int vector_bytes = 16, tile_rows = 12;
#else
constexpr int vector_bytes = 16, tile_rows = 6;
#endif

template <class Real> struct Simd {
  static constexpr int lanes = vector_bytes / sizeof(Real);
  typedef Real Vector __attribute__((vector_size(vector_bytes)));
  typedef Real Unaligned __attribute__((vector_size(vector_bytes), aligned(sizeof(Real)), may_alias));
};

template <class Real> HD typename Simd<Real>::Vector load(const Real* p) {
  return *reinterpret_cast<const typename Simd<Real>::Unaligned*>(p);
}
template <class Real> HD void store(Real* p, typename Simd<Real>::Vector v) {
  *reinterpret_cast<typename Simd<Real>::Unaligned*>(p) = v;
}

// a: row pointers; b (depth, n_vectors) of row stride ldb; start (n_vectors) or null; c (height, n_vectors) of stride
// ldc
template <class Real, int height, int n_vectors, bool a_transposed>
void tile(const Real* const* a, std::size_t offset, const Real* RESTRICT b, std::size_t ldb, std::size_t depth,
          const Real* start, Real* RESTRICT c, std::size_t ldc) {
  using Vector = typename Simd<Real>::Vector;
  constexpr int lanes = Simd<Real>::lanes;
  // Every loop over the tile is unrolled in full: only then do its sums live in registers alone.
  Vector sum[height][n_vectors];
#pragma GCC unroll 8
  for (int j = 0; j < n_vectors; ++j) {
    const Vector begin = start ? load(start + j * lanes) : Vector{};
#pragma GCC unroll 16
    for (int i = 0; i < height; ++i) sum[i][j] = begin;
  }
  const Real* row[height];
#pragma GCC unroll 16
  for (int i = 0; i < height; ++i) row[i] = a_transposed ? nullptr : a[i] + offset;
  for (std::size_t p = 0; p < depth; ++p) {
    Vector right[n_vectors];
#pragma GCC unroll 8
    for (int j = 0; j < n_vectors; ++j) right[j] = load(b + p * ldb + j * lanes);
    const Real* across = a_transposed ? a[p] + offset : nullptr;
#pragma GCC unroll 16
    for (int i = 0; i < height; ++i) {
      const Real left = a_transposed ? across[i] : row[i][p];
#pragma GCC unroll 8
      for (int j = 0; j < n_vectors; ++j) sum[i][j] += left * right[j];
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < height; ++i)
#pragma GCC unroll 8
    for (int j = 0; j < n_vectors; ++j) store(c + i * ldc + j * lanes, sum[i][j]);
}

template <class Real>
using Tile = void (*)(const Real* const* a, std::size_t offset, const Real* b, std::size_t ldb, std::size_t depth,
                      const Real* start, Real* c, std::size_t ldc);

template <class Real, int n_vectors, bool a_transposed, int... height> struct Heights {
  static constexpr Tile<Real> of[] = {nullptr, tile<Real, height, n_vectors, a_transposed>...};
};
/// Tiles by [height], from 1 to tile_rows.
template <class Real, int n_vectors, bool a_transposed> constexpr const Tile<Real>* tiles() {
  if constexpr (n_vectors == 8)
    return Heights<Real, 8, a_transposed, 1>::of;
  else if constexpr (n_vectors == 4)
    return Heights<Real, 4, a_transposed, 1, 2, 3>::of;
  else if constexpr (tile_rows == 6)
    return Heights<Real, n_vectors, a_transposed, 1, 2, 3, 4, 5, 6>::of;
  else
    return Heights<Real, n_vectors, a_transposed, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12>::of;
}

// b's columns [column, column + width) -> panel (depth, n_vectors), zeros beyond width
template <class Real, int n_vectors>
HD void pack(const Product<Real>& q, std::size_t column, std::size_t width, Real* RESTRICT panel) {
  constexpr std::size_t full = n_vectors * Simd<Real>::lanes;
  if (q.b_transposed) {
    // In squares of a few cache lines, which stay in the nearest cache while they are written across.
    constexpr std::size_t square = 16;
    for (std::size_t begin = 0; begin < q.depth; begin += square) {
      const std::size_t end = begin + square < q.depth ? begin + square : q.depth;
      for (std::size_t j = 0; j < width; ++j) {
        const Real* from = q.b + (column + j) * q.ldb;
        for (std::size_t p = begin; p < end; ++p) panel[p * full + j] = from[p];
      }
      for (std::size_t j = width; j < full; ++j)
        for (std::size_t p = begin; p < end; ++p) panel[p * full + j] = 0;
    }
  } else {
    for (std::size_t p = 0; p < q.depth; ++p) {
      const Real* from = q.b + p * q.ldb + column;
      for (std::size_t j = 0; j < width; ++j) panel[p * full + j] = from[j];
      for (std::size_t j = width; j < full; ++j) panel[p * full + j] = 0;
    }
  }
}

// All rows of c's columns [column, column + width), width <= n_vectors * lanes
template <class Real, int n_vectors, bool a_transposed>
HD void panel(const Product<Real>& q, std::size_t column, std::size_t width, Real* scratch) {
  constexpr std::size_t full = n_vectors * Simd<Real>::lanes;
  const bool whole = width == full;
  // Scratch: a packed panel, the padded start, and a tile that hangs over c's edge.
  Real* const packed = scratch + full;
  Real* const over = packed + q.depth * full;
  const Real* b = q.b + column;
  std::size_t ldb = q.ldb;
  if (q.b_transposed || !whole) {
    pack<Real, n_vectors>(q, column, width, packed);
    b = packed;
    ldb = full;
  }
  const Real* start = q.start ? q.start + column : nullptr;
  if (start && !whole) {
    for (std::size_t j = 0; j < full; ++j) scratch[j] = j < width ? start[j] : Real(0);
    start = scratch;
  }
  // Tiles of nearly equal height: 32 rows as 11 + 11 + 10 rather than 12 + 12 + 8.
  const std::size_t n_tiles = (q.rows + tile_rows - 1) / tile_rows;
  std::size_t i = 0;
  for (std::size_t k = 0; k < n_tiles; ++k) {
    const std::size_t height = (q.rows - i + (n_tiles - k) - 1) / (n_tiles - k);
    const Real* const* a = a_transposed ? q.a : q.a + i;
    const std::size_t offset = q.a_offset + (a_transposed ? i : 0);
    Real* c = q.c + i * q.ldc + column;
    const Tile<Real> run = tiles<Real, n_vectors, a_transposed>()[height];
    if (whole) {
      run(a, offset, b, ldb, q.depth, start, c, q.ldc);
    } else {
      run(a, offset, b, ldb, q.depth, start, over, full);
      for (std::size_t r = 0; r < height; ++r)
        for (std::size_t j = 0; j < width; ++j) c[r * q.ldc + j] = over[r * full + j];
    }
    i += height;
  }
}

// Few rows against a transposed b: packing would cost more than it saves, so each element of c is a sum along two rows.
template <class Real> HD void dots(const Product<Real>& q) {
  using Vector = typename Simd<Real>::Vector;
  constexpr std::size_t lanes = Simd<Real>::lanes, wide = 4 * lanes;
  for (std::size_t i = 0; i < q.rows; ++i) {
    const Real* left = q.a[i] + q.a_offset;
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

template <class Real, bool a_transposed> HD void product(const Product<Real>& q, Real* scratch) {
  constexpr std::size_t lanes = Simd<Real>::lanes;
  std::size_t j = 0;
  // Few rows: wider tiles, so that enough sums are in flight to hide the latency of the multiply-add.
  if (q.rows == 1)
    for (; j + 8 * lanes <= q.columns; j += 8 * lanes) panel<Real, 8, a_transposed>(q, j, 8 * lanes, scratch);
  if (q.rows <= 3)
    for (; j + 4 * lanes <= q.columns; j += 4 * lanes) panel<Real, 4, a_transposed>(q, j, 4 * lanes, scratch);
  for (; j + 2 * lanes <= q.columns; j += 2 * lanes) panel<Real, 2, a_transposed>(q, j, 2 * lanes, scratch);
  const std::size_t rest = q.columns - j;
  if (rest > lanes)
    panel<Real, 2, a_transposed>(q, j, rest, scratch);
  else if (rest > 0)
    panel<Real, 1, a_transposed>(q, j, rest, scratch);
}

template <class Real> void gemm(const Product<Real>& q, Real* scratch) {
  if (q.b_transposed && !q.a_transposed && q.rows <= 3)
    dots(q);
  else if (q.a_transposed)
    product<Real, true>(q, scratch);
  else
    product<Real, false>(q, scratch);
}

constexpr GemmTable table{gemm<float>, gemm<double>};

}  // namespace

template <> const GemmTable& gemm_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
