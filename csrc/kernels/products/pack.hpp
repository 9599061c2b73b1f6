// Parts of a product's matrices, copied so that tiles read them in order.
#pragma once

#include <cstddef>
#include <cstring>
#include <type_traits>

#include "core/blocks.hpp"
#include "kernels/products/indirection.hpp"
#include "kernels/simd.hpp"

namespace gs {
namespace {

// from (depth, width) of row stride ld -> panel (depth, full), zeros beyond width
template <int full, class Real>
HD void pack_rows(const Real* from, std::size_t ld, std::size_t depth, std::size_t width, Real* RESTRICT panel) {
  for (std::size_t p = 0; p < depth; ++p, from += ld, panel += full) {
    if (width == full) {
#pragma GCC unroll 8
      for (int j = 0; j < full; j += Simd<Real>::lanes) store(panel + j, load(from + j));
    } else {
      for (std::size_t j = 0; j < width; ++j) panel[j] = from[j];
      for (std::size_t j = width; j < full; ++j) panel[j] = 0;
    }
  }
}

// A square of short vectors, which shuffle twice as fast as long ones: rows at(i) + p as columns of the panel, from its
// number `to` on.
template <class Real> constexpr int square_bytes = vector_bytes < 32 ? vector_bytes : 32;
template <class Real> constexpr int square_side = Simd<Real, square_bytes<Real>>::lanes;

template <int full, class Real, class At> HD void transpose_square(const At& at, std::size_t p, Real* RESTRICT to) {
  constexpr int bytes = square_bytes<Real>, side = square_side<Real>;
  typename Simd<Real, bytes>::Vector rows[side];
#pragma GCC unroll 16
  for (int i = 0; i < side; ++i) rows[i] = load<Real, bytes>(at(std::size_t(i)) + p);
  transpose<side>(rows);
#pragma GCC unroll 16
  for (int i = 0; i < side; ++i) store<bytes>(to + i * full, rows[i]);
}

// from (width, depth) of row stride ld -> panel (depth, full), zeros beyond width
template <int full, class Real>
HD void pack_columns(const Real* from, std::size_t ld, std::size_t depth, std::size_t width, Real* RESTRICT panel) {
  constexpr int square = square_side<Real>;
  std::size_t j = 0;
  for (; j + square <= width; j += square) {
    const Real* row = from + j * ld;
    const auto at = [=](std::size_t i) INLINED { return row + i * ld; };
    std::size_t p = 0;
    for (; p + square <= depth; p += square) transpose_square<full>(at, p, panel + p * full + j);
    for (; p < depth; ++p)
      for (int i = 0; i < square; ++i) panel[p * full + j + i] = row[i * ld + p];
  }
  for (; j < full; ++j)
    for (std::size_t p = 0; p < depth; ++p) panel[p * full + j] = j < width ? from[j * ld + p] : Real(0);
}

// rows (lanes) of numbers from `offset` on -> panel (depth, lanes)
template <class Real>
HD void pack_pointed_columns(const void* const* rows, std::size_t offset, std::size_t depth, Real* RESTRICT panel) {
  constexpr int square = square_side<Real>, full = Simd<Real>::lanes;
  for (int j = 0; j < full; j += square) {
    const auto at = [=](std::size_t i) INLINED { return static_cast<const Real*>(rows[j + int(i)]) + offset; };
    std::size_t p = 0;
    for (; p + square <= depth; p += square) transpose_square<full>(at, p, panel + p * full + j);
    for (; p < depth; ++p)
      for (int i = 0; i < square; ++i) panel[p * full + j + i] = at(std::size_t(i))[p];
  }
}

template <class Real, class From>
HD void gather_rows(const IndirectionBuffer& x, std::size_t offset, std::size_t count, std::size_t n, Real* RESTRICT to,
                    std::size_t ld) {
  const Real scale = Real(x.scale), shift = Real(x.offset);
  for (std::size_t i = 0; i < count; ++i, to += ld) {
    const From* RESTRICT row = static_cast<const From*>(x.at[i]) + offset;
    if (scale == 1 && shift == 0)
      for (std::size_t k = 0; k < n; ++k) to[k] = Real(row[k]);
    else
      for (std::size_t k = 0; k < n; ++k) to[k] = Real(row[k]) * scale + shift;
  }
}

/// work(a number of the type that x has)
template <class Work> HD void of_source(Source source, const Work& work) {
  switch (source) {
    case Source::f32:
      return work(float{});
    case Source::f64:
      return work(double{});
    case Source::u8:
      return work(std::uint8_t{});
    case Source::i32:
      return work(std::int32_t{});
    case Source::i64:
      return work(std::int64_t{});
    case Source::sparse:  // its entries are read elsewhere
      return;
  }
}

// x's columns [offset, offset + n) -> to (count, n) of row stride ld
template <class Real>
HD void gather(const IndirectionBuffer& x, std::size_t offset, std::size_t count, std::size_t n, Real* to,
               std::size_t ld) {
  of_source(x.source, [&](auto number) INLINED { gather_rows<Real, decltype(number)>(x, offset, count, n, to, ld); });
}

// x's columns [offset, offset + tiles.n), of which a tile has `most` at most -> to (tiles), of each (count, its own)
template <int most, class Real, class From>
HD void gather_tiles_of(const IndirectionBuffer& x, std::size_t offset, std::size_t count, const Blocks& tiles,
                        Real* RESTRICT to) {
  constexpr std::size_t together = 16;  // tiles whose numbers are converted at once
  const bool is_plain = std::is_same_v<From, Real> && x.template is_plain<Real>();
  const Blocks groups(tiles.count, together);
  Real numbers[(together + 1) * most] = {};
  for (std::size_t g = 0; g < groups.count; ++g) {
    const std::size_t first = groups.begin(g), end = first + groups.size(g), begin = tiles.begin(first);
    const std::size_t n = (end < tiles.count ? tiles.begin(end) : tiles.n) - begin;
    for (std::size_t p = 0; p < count; ++p) {
      const Real* from = numbers;
      if (is_plain)
        from = static_cast<const Real*>(x.at[p]) + offset + begin;
      else
        gather_rows<Real, From>({x.at + p, x.source, x.scale, x.offset}, offset + begin, 1, n, numbers, n);
      std::size_t at = 0;
      for (std::size_t k = first; k < end; ++k) {
        const std::size_t size = tiles.size(k);
        Real* const tile = to + (begin + at) * count + p * size;
        // What a shorter tile has not of so many is written over by its next row, if there is one.
        if ((!is_plain || at + most <= n) && p * size + most <= count * size)
          std::memcpy(tile, from + at, most * sizeof(Real));
        else
          for (std::size_t i = 0; i < size; ++i) tile[i] = from[at + i];
        at += size;
      }
    }
  }
}

template <int most, class Real>
HD void gather_tiles(const IndirectionBuffer& x, std::size_t offset, std::size_t count, const Blocks& tiles, Real* to) {
  of_source(x.source,
            [&](auto number) INLINED { gather_tiles_of<most, Real, decltype(number)>(x, offset, count, tiles, to); });
}

}  // namespace
}  // namespace gs
