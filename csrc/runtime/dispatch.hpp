// Which kernels are in use: the best instruction set this CPU has, unless GRADSTEP_ISA or use_isa says otherwise.
#pragma once

#include <string>
#include <vector>

#include "core/dtype.hpp"
#include "kernels/codec.hpp"
#include "kernels/columns.hpp"
#include "kernels/dress.hpp"
#include "kernels/drop.hpp"
#include "kernels/factor.hpp"
#include "kernels/gemm.hpp"
#include "kernels/map.hpp"
#include "kernels/measure.hpp"
#include "kernels/reduce.hpp"
#include "kernels/sweep.hpp"
#include "kernels/treat.hpp"
#include "kernels/turn.hpp"

namespace gs {

struct Kernels {
  const char* isa;
  const SweepTable& sweep;
  const MapTable& map;
  const ReduceTable& reduce;
  const GemmTable& gemm;
  const OrderedGemmTable& ordered_gemm;
  const DropTable& drop;
  const DressTable& dress;
  const CodecTable& codec;
  const MeasureTable& measure;
  const FactorTable& factor;
  const TurnTable& turn;
  const TreatTable& treat;
  const ColumnsTable& columns;
};

const Kernels& kernels();

/// Names of the instruction sets that were compiled and that this CPU has, best last.
std::vector<std::string> usable_isas();

/// Throws std::invalid_argument if the name is none of them. Not to be called while a step runs.
void use_isa(const std::string& name);

/// The Dtype of a floating type, for indexing the tables.
template <class Real> constexpr int dtype_of() { return int(sizeof(Real) == 4 ? Dtype::f32 : Dtype::f64); }

template <class Real> const Products<Real>& products() {
  if constexpr (sizeof(Real) == 4)
    return kernels().gemm.f32;
  else
    return kernels().gemm.f64;
}

template <class Real> Gemm<Real> ordered_gemm() {
  if constexpr (sizeof(Real) == 4)
    return kernels().ordered_gemm.f32;
  else
    return kernels().ordered_gemm.f64;
}

inline const HalfCodec& half_codec(Dtype half) {
  return half == Dtype::f16 ? kernels().codec.f16 : kernels().codec.bf16;
}

// in (n) of a half type -> out (n)
template <class Real> void decode(Dtype half, const void* in, Real* out, std::size_t n) {
  (sizeof(Real) == 4 ? half_codec(half).to_float : half_codec(half).to_double)(in, out, n);
}

template <class Real> const Factoring<Real>& factoring() {
  if constexpr (sizeof(Real) == 4)
    return kernels().factor.f32;
  else
    return kernels().factor.f64;
}

template <class Real> const Turning<Real>& turning() {
  if constexpr (sizeof(Real) == 4)
    return kernels().turn.f32;
  else
    return kernels().turn.f64;
}

template <class Real> const ColumnLoops<Real>& column_loops() {
  if constexpr (sizeof(Real) == 4)
    return kernels().columns.f32;
  else
    return kernels().columns.f64;
}

template <class Real> const Treating<Real>& treating() {
  if constexpr (sizeof(Real) == 4)
    return kernels().treat.f32;
  else
    return kernels().treat.f64;
}

template <class Real> const Dressing<Real>& dressing() {
  if constexpr (sizeof(Real) == 4)
    return kernels().dress.f32;
  else
    return kernels().dress.f64;
}

}  // namespace gs
