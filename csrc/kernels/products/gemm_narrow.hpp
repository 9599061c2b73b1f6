// Products of few columns, as of the last layer of a network: the rows of c lie side by side in a vector, where tiles
// would leave most of it idle. The same bits as tiles: each sum goes along the depth in order.
#pragma once

#include "core/portable.hpp"
#include "kernels/products/gemm.hpp"
#include "kernels/products/pack.hpp"

namespace gs {
namespace {

constexpr std::size_t narrow_columns = 4;

template <class Real> HD bool is_narrow(const Product<Real>& q) {
  const bool is_whole = !q.at && !q.adds && !q.line && !q.in_panels;
  return q.columns <= narrow_columns && q.rows >= Simd<Real>::lanes && is_whole && q.a.template is_plain<Real>() &&
         (q.a_transposed || q.depth <= gemm_depth);
}

/// Rows [row, row + lanes) of c, `count` columns of it from `column` on. panel: those rows of a as columns, of a row
/// stride `lanes`; null: a has them so.
template <int count, class Real>
HD void narrow_columns_of(const Product<Real>& q, std::size_t row, std::size_t column, const Real* panel) {
  constexpr std::size_t lanes = Simd<Real>::lanes;
  const Real* b = q.b + column * (q.b_transposed ? q.ldb : 1);
  const std::size_t along = q.b_transposed ? 1 : q.ldb, across = q.b_transposed ? q.ldb : 1;
  typename Simd<Real>::Vector sum[count] = {};
  for (int j = 0; j < count; ++j)
    if (q.start) sum[j] = q.start[column + std::size_t(j)] - sum[j];  // -0 stays -0
  for (std::size_t p = 0; p < q.depth; ++p, b += along) {
    const auto left = load(panel ? panel + p * lanes : static_cast<const Real*>(q.a.at[p]) + q.a_offset + row);
#pragma GCC unroll 2
    for (int j = 0; j < count; ++j) sum[j] += left * b[std::size_t(j) * across];
  }
  for (std::size_t i = 0; i < lanes; ++i)
#pragma GCC unroll 2
    for (int j = 0; j < count; ++j) q.c[(row + i) * q.ldc + column + std::size_t(j)] = sum[j][i];
}

/// scratch: as `gemm` has it.
template <class Real> __attribute__((noinline)) void narrow(const Product<Real>& q, Real* scratch) {
  constexpr std::size_t lanes = Simd<Real>::lanes;
  for (std::size_t next = 0; next < q.rows; next += lanes) {
    const std::size_t row = next + lanes <= q.rows ? next : q.rows - lanes;  // in the end some rows once more
    if (!q.a_transposed) pack_pointed_columns(q.a.at + row, q.a_offset, q.depth, scratch);
    const Real* const panel = q.a_transposed ? nullptr : scratch;
    std::size_t j = 0;
    for (; j + 2 <= q.columns; j += 2) narrow_columns_of<2>(q, row, j, panel);
    if (j < q.columns) narrow_columns_of<1>(q, row, j, panel);
  }
}

}  // namespace
}  // namespace gs
