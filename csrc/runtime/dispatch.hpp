// Which kernels are in use: the best instruction set this CPU has, unless GRADSTEP_ISA or use_isa says otherwise.
#pragma once

#include <string>
#include <vector>

#include "core/dtype.hpp"
#include "kernels/layers/attention.hpp"
#include "kernels/layers/cell.hpp"
#include "kernels/layers/columns.hpp"
#include "kernels/layers/depthwise.hpp"
#include "kernels/layers/drop.hpp"
#include "kernels/layers/losses.hpp"
#include "kernels/layers/map.hpp"
#include "kernels/layers/merge.hpp"
#include "kernels/layers/normalize.hpp"
#include "kernels/layers/pool.hpp"
#include "kernels/layers/reduce.hpp"
#include "kernels/layers/strided_copy.hpp"
#include "kernels/linear/linear.hpp"
#include "kernels/linear/linear_rows.hpp"
#include "kernels/products/factor.hpp"
#include "kernels/products/gemm.hpp"
#include "kernels/products/orthogonalize.hpp"
#include "kernels/products/shared_rows.hpp"
#include "kernels/updates/codec.hpp"
#include "kernels/updates/gradient_transforms.hpp"
#include "kernels/updates/measure.hpp"
#include "kernels/updates/regularize.hpp"
#include "kernels/updates/sweep.hpp"
#include "kernels/updates/wrappers.hpp"

namespace gs {

/// The tables of kernels/, by their types and names: the only list of them. name_table<Isa>() is that of an instruction
/// set.
#define GS_KERNELS(X)                             \
  X(SweepTable, sweep)                            \
  X(MapTable, map)                                \
  X(ReduceTable, reduce)                          \
  X(CommonLossesTable, common_losses)             \
  X(RareLossesTable, rare_losses)                 \
  X(GemmTable, gemm)                              \
  X(OrderedGemmTable, ordered_gemm)               \
  X(SharedRowsTable, shared_rows)                 \
  X(DropTable, drop)                              \
  X(GradientTransformsTable, gradient_transforms) \
  X(CodecTable, codec)                            \
  X(MeasureTable, measure)                        \
  X(FactorTable, factor)                          \
  X(OrthogonalizeTable, orthogonalize)            \
  X(RegularizeTable, regularize)                  \
  X(NormalizeTable, normalize)                    \
  X(ColumnsTable, columns)                        \
  X(MergeTable, merge)                            \
  X(PoolTable, pool)                              \
  X(DepthwiseTable, depthwise)                    \
  X(StridedCopyTable, strided_copy)               \
  X(CellTable, cell)                              \
  X(AttentionTable, attention)                    \
  X(LinearTable, linear)                          \
  X(LinearRowsTable, linear_rows)                 \
  X(WrappersTable, wrappers)

struct Kernels {
  const char* isa;
#define GS_X(Table, name) const Table& name;
  GS_KERNELS(GS_X)
#undef GS_X
  const DepthwiseTable& narrow_depthwise;  // of vectors of 32 bytes where those of `depthwise` are of 64
};

const Kernels& kernels();

/// Names of the instruction sets that were compiled and that this CPU has, best last.
std::vector<std::string> usable_isas();

/// Throws std::invalid_argument if the name is none of them. Not to be called while a step runs.
void use_isa(const std::string& name);

/// The Dtype of a floating type, for indexing the tables.
template <class Real> constexpr int dtype_of() { return int(sizeof(Real) == 4 ? Dtype::f32 : Dtype::f64); }

/// The loops of a table for Real.
template <class Real, class Table> const auto& loops_of(const Table& table) {
  if constexpr (sizeof(Real) == 4)
    return table.f32;
  else
    return table.f64;
}

template <class Real> const Products<Real>& products() { return loops_of<Real>(kernels().gemm); }
template <class Real> Gemm<Real> ordered_gemm() { return loops_of<Real>(kernels().ordered_gemm); }
template <class Real> const SharedRowsLoops<Real>& shared_rows_loops() { return loops_of<Real>(kernels().shared_rows); }
template <class Real> const FactorLoops<Real>& factor_loops() { return loops_of<Real>(kernels().factor); }
template <class Real> const OrthogonalizeLoops<Real>& orthogonalize_loops() {
  return loops_of<Real>(kernels().orthogonalize);
}
template <class Real> const ColumnLoops<Real>& column_loops() { return loops_of<Real>(kernels().columns); }
template <class Real> const NormalizeLoops<Real>& normalize_loops() { return loops_of<Real>(kernels().normalize); }
template <class Real> const MergeLoops<Real>& merge_loops() { return loops_of<Real>(kernels().merge); }
/// sum (n) += x (n)
template <class Real> void add_to(Real* sum, const Real* x, std::size_t n) {
  const Real* const both[] = {sum, x};
  merge_loops<Real>().forward[int(Merge::add)](both, 2, 0, n, sum);
}
/// What vectors leave of the channels goes one by one: of few channels narrow ones leave less, to the same bits.
template <class Real> const DepthwiseLoops<Real>& depthwise_loops(std::size_t channels) {
  const bool is_narrow = channels < 128 && channels * sizeof(Real) % 64 >= 32;
  return loops_of<Real>(is_narrow ? kernels().narrow_depthwise : kernels().depthwise);
}
template <class Real> const PoolLoops<Real>& pool_loops() { return loops_of<Real>(kernels().pool); }
template <class Real> const AttentionLoops<Real>& attention_loops() { return loops_of<Real>(kernels().attention); }
template <class Real> const CellLoops<Real>& cell_loops() { return loops_of<Real>(kernels().cell); }
template <class Real> StridedCopy<Real> strided_copy() { return loops_of<Real>(kernels().strided_copy); }
template <class Real> const RegularizeLoops<Real>& regularize_loops() { return loops_of<Real>(kernels().regularize); }
template <class Real> const GradientTransforms<Real>& gradient_transforms() {
  return loops_of<Real>(kernels().gradient_transforms);
}
template <class Real> const WrapperLoops<Real>& wrapper_loops() { return loops_of<Real>(kernels().wrappers); }

inline const HalfCodec& half_codec(Dtype half) {
  return half == Dtype::f16 ? kernels().codec.f16 : kernels().codec.bf16;
}

// in (n) of a half type -> out (n)
template <class Real> void decode(Dtype half, const void* in, Real* out, std::size_t n) {
  (sizeof(Real) == 4 ? half_codec(half).to_float : half_codec(half).to_double)(in, out, n);
}

}  // namespace gs
