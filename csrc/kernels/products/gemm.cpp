// c = start + a b, as fast as can be: it multiplies and adds at once where the instruction set does.
#include "kernels/layers/row_sums.hpp"
#include "kernels/products/gemm_block.hpp"
#include "kernels/products/gemm_narrow.hpp"

namespace gs {
namespace {

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

// Not inlined: a product has several calls of each width, and a panel is a kilobyte of code or more.
template <int n_vectors, class Real>
__attribute__((noinline)) void panel(const Block<Real, true>& block, std::size_t column, std::size_t width) {
  block.template panel<n_vectors>(column, width);
}

// All panels of at least n_vectors that fit from column j on, then the rest in narrower ones. few: whether b is read so
// rarely that packing a panel which hangs over its edge costs more than narrower ones do.
template <int n_vectors, class Real>
HD void panels(const Block<Real, true>& block, std::size_t columns, std::size_t j, bool few) {
  constexpr std::size_t full = n_vectors * Simd<Real>::lanes;
  for (; j + full <= columns; j += full) panel<n_vectors>(block, j, full);
  if constexpr (n_vectors == 1) {
    if (few && j < columns && columns >= full && !block.adds())
      panel<1>(block, columns - full, full);  // some columns once more
    else if (j < columns)
      panel<1>(block, j, columns - j);
  } else if (!few && columns - j > full / 2) {
    panel<n_vectors>(block, j, columns - j);
  } else {
    panels<n_vectors / 2>(block, columns, j, few);
  }
}

template <class Real> void gemm(const Product<Real>& q, Real* scratch) {
  const bool is_whole = !q.at && !q.adds && !q.line;
  if (q.b_transposed && !q.a_transposed && q.rows <= 3 && is_whole && q.a.template is_plain<Real>()) return dots(q);
  if (is_narrow(q)) return narrow(q, scratch);
  each_block<true>(q, scratch, [&](const Block<Real, true>& block) {
    // Few rows: wider tiles, so that enough sums are in flight to hide the latency of the multiply-add.
    const bool few = q.rows <= 3 && !q.b_transposed && !q.in_panels;
    if (q.at || q.in_panels || q.rows > 3)
      panels<tile_vectors>(block, q.columns, 0, few);
    else if (q.rows == 1)
      panels<8>(block, q.columns, 0, few);
    else
      panels<4>(block, q.columns, 0, few);
  });
}

template <class Real>
void gather_all(const IndirectionBuffer& x, std::size_t count, std::size_t n, Real* to, std::size_t ld) {
  gather(x, 0, count, n, to, ld);
}

template <class Real> void pack_panel(const Product<Real>& q, std::size_t column, Real* panel) {
  constexpr std::size_t full = panel_columns<Real>;
  const std::size_t left = q.columns - column, width = left < full ? left : full;
  if (q.b_transposed)
    pack_columns<full>(q.b + column * q.ldb, q.ldb, q.depth, width, panel);
  else
    pack_rows<full>(q.b + column, q.ldb, q.depth, width, panel);
}

template <class Real> constexpr Products<Real> products() {
  return {gemm<Real>, gather_all<Real>, sum_rows<Real>, pack_panel<Real>, panel_columns<Real>};
}

constexpr GemmTable table{products<float>(), products<double>()};

}  // namespace

template <> const GemmTable& gemm_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
