// The loops on a GPU. A body is called for blocks of threads: by a kernel, or, where there is no GPU (GS_CUDA_HOST), by
// a loop over the same blocks and threads, so that both compute the same.
#pragma once

#include <algorithm>
#include <cstddef>

#include "core/describe.hpp"
#include "core/portable.hpp"
#include "kernels/cuda/device.hpp"

namespace gs {
namespace {

constexpr unsigned block_threads = 256;
// Enough blocks to fill any GPU; each takes what is beyond them.
constexpr std::size_t most_blocks = 4096;
// Of the parameters of a kernel, which hold a body: what every GPU and driver takes.
constexpr std::size_t most_parameters = 4096;

/// with_values, of a rule that may have no fields: nvcc warns of its loop over none.
template <class Rule> Rule with_settings([[maybe_unused]] const double* values) {
  if constexpr (Rule::fields().size() == 0)
    return {};
  else
    return with_values<Rule>(values);
}

/// A tree of sums whose shape never changes: thread adds what lies `width` above it.
template <std::size_t sums> HD void fold_step(double (*lanes)[sums], unsigned thread, unsigned width) {
  if (thread >= width) return;
  for (std::size_t k = 0; k < sums; ++k) lanes[thread][k] += lanes[thread + width][k];
}

#if defined(GS_CUDA_HOST)

/// body.each(block, thread)
template <class Body> DeviceError for_each_thread(const Body& body, std::size_t blocks, DeviceStream) {
  for (std::size_t block = 0; block < blocks; ++block)
    for (unsigned thread = 0; thread < block_threads; ++thread) body.each(block, thread);
  return 0;
}

/// body.add(block, thread, sums), then body.put(block, sums of all threads)
template <class Body> DeviceError for_each_sum(const Body& body, std::size_t blocks, DeviceStream) {
  for (std::size_t block = 0; block < blocks; ++block) {
    double lanes[block_threads][Body::sums] = {};
    for (unsigned thread = 0; thread < block_threads; ++thread) body.add(block, thread, lanes[thread]);
    for (unsigned width = block_threads / 2; width > 0; width /= 2)
      for (unsigned thread = 0; thread < width; ++thread) fold_step<Body::sums>(lanes, thread, width);
    body.put(block, lanes[0]);
  }
  return 0;
}

#else

template <class Body>
__global__ void __launch_bounds__(block_threads) thread_loop(const __grid_constant__ Body body, std::size_t blocks) {
  for (std::size_t block = blockIdx.x; block < blocks; block += gridDim.x) body.each(block, threadIdx.x);
}

template <class Body>
__global__ void __launch_bounds__(block_threads) sum_loop(const __grid_constant__ Body body, std::size_t blocks) {
  __shared__ double lanes[block_threads][Body::sums];
  for (std::size_t block = blockIdx.x; block < blocks; block += gridDim.x) {
    double sums[Body::sums] = {};
    body.add(block, threadIdx.x, sums);
    for (std::size_t k = 0; k < Body::sums; ++k) lanes[threadIdx.x][k] = sums[k];
    for (unsigned width = block_threads / 2; width > 0; width /= 2) {
      __syncthreads();
      fold_step<Body::sums>(lanes, threadIdx.x, width);
    }
    if (threadIdx.x == 0) body.put(block, lanes[0]);
    __syncthreads();  // before the next block's sums
  }
}

template <class Body>
DeviceError launch(void (*loop)(Body, std::size_t), const Body& body, std::size_t blocks, DeviceStream stream) {
  static_assert(sizeof(Body) + sizeof blocks <= most_parameters);
  const void* parameters[] = {&body, &blocks};
  return cudaLaunchKernel(reinterpret_cast<const void*>(loop), dim3(unsigned(std::min(blocks, most_blocks))),
                          dim3(block_threads), const_cast<void**>(parameters), 0,
                          reinterpret_cast<cudaStream_t>(stream));
}

template <class Body> DeviceError for_each_thread(const Body& body, std::size_t blocks, DeviceStream stream) {
  return launch<Body>(thread_loop<Body>, body, blocks, stream);
}

template <class Body> DeviceError for_each_sum(const Body& body, std::size_t blocks, DeviceStream stream) {
  return launch<Body>(sum_loop<Body>, body, blocks, stream);
}

#endif

}  // namespace
}  // namespace gs
