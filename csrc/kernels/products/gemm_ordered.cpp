// c = start + a b with the same bits on every instruction set: it multiplies, then adds, in the order of the depth.
#include "kernels/products/gemm_block.hpp"

namespace gs {
namespace {

template <class Real> void gemm(const Product<Real>& q, Real* scratch) {
  constexpr std::size_t full = tile_vectors * Simd<Real>::lanes;
  each_block<false>(q, scratch, [&](const Block<Real, false>& block) {
    for (std::size_t j = 0; j < q.columns; j += full)
      block.template panel<tile_vectors>(j, q.columns - j < full ? q.columns - j : full);
  });
}

constexpr OrderedGemmTable table{gemm<float>, gemm<double>};

}  // namespace

template <> const OrderedGemmTable& ordered_gemm_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
