// Which kernels are in use: the best instruction set this CPU has, unless GRADSTEP_ISA or use_isa says otherwise.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/dtype.hpp"
#include "kernels/dress.hpp"
#include "kernels/drop.hpp"
#include "kernels/gemm.hpp"
#include "kernels/map.hpp"
#include "kernels/reduce.hpp"
#include "kernels/sweep.hpp"

namespace gs {

// STUB until kernels/codec.hpp
struct CodecTable {
  void (*decode[4][2])(const void* in, void* out, std::size_t n);
  void (*encode[2][4])(const void* in, void* out, std::size_t n);
  void (*encode_stochastic)(const float* in, void* out, std::size_t n, std::uint64_t key, std::uint64_t step, std::size_t first);
  void (*decode8)(const std::uint8_t* codes, const float* scales, float* out, std::size_t n);
  void (*encode8)(const float* in, std::uint8_t* codes, float* scales, std::size_t n);
};
struct Kernels {
  const char* isa;
  const SweepTable& sweep;
  const MapTable& map;
  const ReduceTable& reduce;
  const GemmTable& gemm;
  const DropTable& drop;
  const DressTable& dress;
  CodecTable codec{};
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

template <class Real> const Dressing<Real>& dressing() {
  if constexpr (sizeof(Real) == 4)
    return kernels().dress.f32;
  else
    return kernels().dress.f64;
}

}  // namespace gs
