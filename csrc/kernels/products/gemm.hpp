// The matrix product.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/portable.hpp"
#include "kernels/isa.hpp"
#include "kernels/products/indirection.hpp"

namespace gs {

/// c (rows, columns) = start + a b, summed over depth in a fixed order.
template <class Real> struct Product {
  IndirectionBuffer a;   // (rows) of (depth), or, transposed, (depth) of (rows)
  std::size_t a_offset;  // where in each of them this product begins
  bool a_transposed;     // a's element (i, p) is a[p][a_offset + i] instead of a[i][a_offset + p]
  const Real* b;         // (depth, columns) with row stride ldb; transposed, (columns, depth)
  std::size_t ldb;
  bool b_transposed;
  const Real* start;  // (columns), added to each row; null: zeros
  Real* c;            // (rows, columns) with row stride ldc; overlaps nothing
  std::size_t ldc;
  std::size_t rows, columns, depth;
  // Where in a row of a, from a_offset on, the numbers of the depth lie, or, transposed, those of c's rows; null: side
  // by side.
  const std::size_t* at = nullptr;
  bool adds = false;  // to what c holds, instead of to start
  // Rows of c may lie in lines of `line` rows, whose first ones are line_stride apart; 0: all in one.
  std::size_t line = 0, line_stride = 0;
  // b may lie in panels, one after another, each (depth, panel_columns of Products) without gaps; then ldb is the depth
  // of a panel and b_transposed is false.
  bool in_panels = false;
  bool (*is_cancelled)() = nullptr;  // asked between blocks of the depth; if it says so, c is left as it is
};

/// Rows that lie a multiple of a page apart share a few sets of the nearest cache, and throw each other out: such a b
/// is packed, for each product anew.
HD constexpr bool collide(std::size_t bytes) { return bytes % 4096 == 0; }
template <class Real> HD bool collides(const Product<Real>& q) { return collide(q.ldb * sizeof(Real)); }

/// Part of a b (depth, columns), from its column on, -> one panel of it, zeros beyond its last column.
template <class Real> using PackPanel = void (*)(const Product<Real>& product, std::size_t column, Real* panel);

template <class Real> using Gemm = void (*)(const Product<Real>& product, Real* scratch);

/// The depth is summed in blocks of at most this many; of a b in panels at once.
constexpr std::size_t gemm_depth = 512;

/// Elements of scratch that a product needs.
constexpr std::size_t gemm_scratch(std::size_t rows, std::size_t depth, std::size_t most = gemm_depth) {
  const std::size_t block = depth < most ? depth : most, widest = 8 * 16;
  const std::size_t pointers = 4 * (rows > block ? rows : block) + 32;
  return 7 * widest + block * widest + pointers + rows * (block + 16);
}

/// x (count) of (n) -> to (count, n) of row stride ld
template <class Real>
using Gather = void (*)(const IndirectionBuffer& x, std::size_t count, std::size_t n, Real* to, std::size_t ld);

/// out (n) = start + the sum over k of factors[k] x[at[k]], of x (rows, n) with row stride `stride`, one after another:
/// where a has those factors and else zeros, c = start + a x of Gemm has the same bits.
template <class Real> struct RowSum {
  const Real* start;  // (n); null: zeros
  const Real* x;
  std::size_t stride;
  const std::uint32_t* at;  // (count)
  const Real* factors;      // (count); null: ones
  std::size_t count, n;
  Real* out;  // may be `start`; else overlaps nothing
};

template <class Real> struct Products {
  Gemm<Real> gemm;
  Gather<Real> gather;
  void (*sum_rows)(const RowSum<Real>& sum);
  PackPanel<Real> pack_panel;
  std::size_t panel_columns;
};
struct GemmTable {
  Products<float> f32;
  Products<double> f64;
};

template <class Isa> const GemmTable& gemm_table() noexcept;

/// The same, at about half the speed, with the same bits on every instruction set.
struct OrderedGemmTable {
  Gemm<float> f32;
  Gemm<double> f64;
};

template <class Isa> const OrderedGemmTable& ordered_gemm_table() noexcept;

}  // namespace gs
