// The optimizer loop on a GPU.
#pragma once

#include <cstddef>

#include "kernels/updates/sweep.hpp"

namespace gs {

/// One step over n elements, as Sweep in kernels/updates/sweep.hpp, with every pointer but update on the device; queued
/// on the stream (a cudaStream_t). Returns a cudaError_t.
using CudaSweep = int (*)(const void* update, const Factors& factors, void* w, const void* g, void* const* state,
                          std::size_t n, void* stream);

struct CudaSweepTable {
  CudaSweep sweep[Optimizers::size][2];  // [rule][dtype]
};

const CudaSweepTable& cuda_sweep_table() noexcept;

}  // namespace gs
