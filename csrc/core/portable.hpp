// What lets one function be compiled for every instruction set and for a GPU.
#pragma once

#if defined(__CUDACC__)
#define HD __host__ __device__ __forceinline__
#define RESTRICT __restrict__
#else
// Always inlined: an out-of-line copy compiled for AVX-512 could be the one the linker keeps for every CPU.
#define HD inline __attribute__((always_inline))
#define RESTRICT __restrict__
#endif

// Marks a function that is called, not inlined. It stands in an anonymous namespace, so that each object file has a
// copy compiled for its own instruction set.
#if defined(__CUDACC__)
#define HD_CALLED __host__ __device__
#else
#define HD_CALLED __attribute__((noinline))
#endif

// The same of a lambda, behind its parameters.
#define INLINED __attribute__((always_inline))
