// Parts of a product's matrices, copied so that tiles read them in order.
#pragma once

#include <cstddef>

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

// from (width, depth) of row stride ld -> panel (depth, full), zeros beyond width
template <int full, class Real>
HD void pack_columns(const Real* from, std::size_t ld, std::size_t depth, std::size_t width, Real* RESTRICT panel) {
  // Squares of short vectors, which shuffle twice as fast as long ones.
  constexpr int bytes = vector_bytes < 32 ? vector_bytes : 32, square = Simd<Real, bytes>::lanes;
  std::size_t j = 0;
  for (; j + square <= width; j += square) {
    const Real* row = from + j * ld;
    std::size_t p = 0;
    for (; p + square <= depth; p += square) {
      typename Simd<Real, bytes>::Vector rows[square];
#pragma GCC unroll 16
      for (int i = 0; i < square; ++i) rows[i] = load<Real, bytes>(row + i * ld + p);
      transpose<square>(rows);
#pragma GCC unroll 16
      for (int i = 0; i < square; ++i) store<bytes>(panel + (p + i) * full + j, rows[i]);
    }
    for (; p < depth; ++p)
      for (int i = 0; i < square; ++i) panel[p * full + j + i] = row[i * ld + p];
  }
  for (; j < full; ++j)
    for (std::size_t p = 0; p < depth; ++p) panel[p * full + j] = j < width ? from[j * ld + p] : Real(0);
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

// x's columns [offset, offset + n) -> to (count, n) of row stride ld
template <class Real>
HD void gather(const IndirectionBuffer& x, std::size_t offset, std::size_t count, std::size_t n, Real* to,
               std::size_t ld) {
  switch (x.source) {
    case Source::f32:
      return gather_rows<Real, float>(x, offset, count, n, to, ld);
    case Source::f64:
      return gather_rows<Real, double>(x, offset, count, n, to, ld);
    case Source::u8:
      return gather_rows<Real, std::uint8_t>(x, offset, count, n, to, ld);
    case Source::i32:
      return gather_rows<Real, std::int32_t>(x, offset, count, n, to, ld);
    case Source::i64:
      return gather_rows<Real, std::int64_t>(x, offset, count, n, to, ld);
    case Source::sparse:  // its entries are read elsewhere
      return;
  }
}

}  // namespace
}  // namespace gs
