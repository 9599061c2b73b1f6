// A register tile of a product: up to `tile_rows` rows x n_vectors vectors of c. Each step of the depth loads n_vectors
// of b, and multiplies them by one number of a for each row. Six rows: their pointers fit the address registers.
#pragma once

#include <cstddef>

#include "kernels/simd.hpp"

namespace gs {
namespace {

constexpr int tile_rows = 6;
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int tile_vectors = 4;  // 32 registers: 24 sums, 4 of b, 1 of a
#else
constexpr int tile_vectors = 2;  // 16 registers: 12 sums, 2 of b, 1 of a
#endif
// With AVX2 counting steps is a tenth of a tile's instructions: tall tiles make two steps at once, where they multiply
// and add at once. Where they multiply, then add, that takes a quarter longer.
#if defined(__AVX2__) && !defined(__AVX512F__)
constexpr int least_in_pairs = 5;
#else
constexpr int least_in_pairs = tile_rows + 1;
#endif

/// What a tile reads and writes.
template <class Real> struct TileArguments {
  const void* const* rows;  // pointers to rows of a: (height) to (depth), or, if it lies across, (depth) to (height)
  std::size_t offset;       // where in each of them the tile begins
  const std::size_t* at;    // where from there on the numbers of the depth, or, if it lies across, of the tile, lie
  const Real* b;            // (depth, n_vectors) with row stride ldb
  std::size_t ldb, depth;
  const Real* start;  // (height, n_vectors) with row stride ld_start, what the sums begin with; null: zeros
  std::size_t ld_start;
  Real* c;  // (height, n_vectors) with row stride ldc; may be start
  std::size_t ldc;
};

// by_table: whether a's numbers lie where `at` says, and not side by side. fused: whether it multiplies and adds at
// once.
template <class Real, int height, int n_vectors, bool lies_across, bool by_table, bool fused>
void tile(const TileArguments<Real>& t) {
  using Vector = typename Simd<Real>::Vector;
  constexpr int lanes = Simd<Real>::lanes;
  // Every loop over the tile is unrolled in full: only then do its sums live in registers alone.
  Vector sum[height][n_vectors];
  const Real* start = t.start;
  const std::size_t ld_start = t.ld_start;
#pragma GCC unroll 8
  for (int i = 0; i < height; ++i)
#pragma GCC unroll 8
    for (int j = 0; j < n_vectors; ++j) sum[i][j] = start ? load(start + i * ld_start + j * lanes) : Vector{};
  const Real* row[height];
#pragma GCC unroll 8
  for (int i = 0; i < height; ++i) row[i] = lies_across ? nullptr : static_cast<const Real*>(t.rows[i]) + t.offset;
  const Real* b = t.b;
  const void* const* rows = t.rows;
  const std::size_t ldb = t.ldb, depth = t.depth, offset = t.offset;
  const std::size_t* const at = t.at;
  std::size_t apart[height];
#pragma GCC unroll 8
  for (int i = 0; i < height; ++i) apart[i] = lies_across && by_table ? at[i] : std::size_t(i);
  const auto step = [&](std::size_t p, const Real* b) INLINED {
    const Real* across = lies_across ? static_cast<const Real*>(rows[p]) + offset : nullptr;
    const std::size_t along = by_table && !lies_across ? at[p] : p;
    Vector right[n_vectors];
#pragma GCC unroll 8
    for (int j = 0; j < n_vectors; ++j) right[j] = load(b + j * lanes);
#pragma GCC unroll 8
    for (int i = 0; i < height; ++i) {
      const Real left = lies_across ? across[apart[i]] : row[i][along];
#pragma GCC unroll 8
      for (int j = 0; j < n_vectors; ++j) sum[i][j] += left * right[j];
    }
  };
  std::size_t p = 0;
  if constexpr (fused && n_vectors == tile_vectors && height >= least_in_pairs)
    for (; p + 2 <= depth; p += 2, b += 2 * ldb) {
      step(p, b);
      step(p + 1, b + ldb);
    }
  for (; p < depth; ++p, b += ldb) step(p, b);
  Real* c = t.c;
  const std::size_t ldc = t.ldc;
#pragma GCC unroll 8
  for (int i = 0; i < height; ++i)
#pragma GCC unroll 8
    for (int j = 0; j < n_vectors; ++j) store(c + i * ldc + j * lanes, sum[i][j]);
}

template <class Real> using Tile = void (*)(const TileArguments<Real>& t);

template <class Real, int n_vectors, bool lies_across, bool by_table, bool fused, int... height> struct Heights {
  static constexpr Tile<Real> of[] = {nullptr, tile<Real, height, n_vectors, lies_across, by_table, fused>...};
};
/// Tiles by [height], from 1 to tile_rows; wider ones than usual only for as few rows as leave room.
template <class Real, int n_vectors, bool lies_across, bool by_table, bool fused> constexpr const Tile<Real>* tiles() {
  if constexpr (n_vectors == 8)
    return Heights<Real, 8, lies_across, by_table, fused, 1>::of;
  else if constexpr (n_vectors > tile_vectors)
    return Heights<Real, n_vectors, lies_across, by_table, fused, 1, 2, 3>::of;
  else
    return Heights<Real, n_vectors, lies_across, by_table, fused, 1, 2, 3, 4, 5, 6>::of;
}

}  // namespace
}  // namespace gs
