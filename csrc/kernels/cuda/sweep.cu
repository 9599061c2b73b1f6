// The only GPU optimizer loop: the rules of optimizers/ in a grid-stride kernel. Built with --fmad=false, so that a
// rule rounds as it does on the CPU.
#include "kernels/cuda/sweep.hpp"

#include <algorithm>
#include <utility>

namespace gs {
namespace {

template <class Update, class Real, class... State>
__global__ void loop(const Update update, const Real decay, const Real scale, Real* RESTRICT w, const Real* RESTRICT g,
                     std::size_t n, State* RESTRICT... state) {
  const std::size_t stride = std::size_t(gridDim.x) * blockDim.x;
  for (std::size_t i = std::size_t(blockIdx.x) * blockDim.x + threadIdx.x; i < n; i += stride) {
    Real value = w[i] * decay;
    update(value, g[i] * scale, state[i]...);
    w[i] = value;
  }
}

template <class Rule, class Real, std::size_t... slot>
int spread(const void* update, const Factors& factors, void* w, const void* g, void* const* state, std::size_t n,
           void* stream, std::index_sequence<slot...>) {
  using Update = typename Rule::template Update<Real>;
  if (n == 0) return cudaSuccess;
  (void)state;  // a rule without slots
  // Enough blocks to fill any GPU; the loop takes what is beyond them.
  constexpr unsigned threads = 256, most_blocks = 4096;
  const auto blocks = unsigned(std::min<std::size_t>((n + threads - 1) / threads, most_blocks));
  loop<<<blocks, threads, 0, static_cast<cudaStream_t>(stream)>>>(
      *static_cast<const Update*>(update), Real(factors.decay), Real(factors.scale), static_cast<Real*>(w),
      static_cast<const Real*>(g), n, static_cast<Real*>(state[slot])...);
  return cudaGetLastError();
}

template <class Rule, class Real>
int sweep(const void* update, const Factors& factors, void* w, const void* g, void* const* state, std::size_t n,
          void* stream) {
  return spread<Rule, Real>(update, factors, w, g, state, n, stream, std::make_index_sequence<Rule::slots.size()>{});
}

template <class... Rules> constexpr CudaSweepTable rows(TypeList<Rules...>) {
  return {{{sweep<Rules, float>, sweep<Rules, double>}...}};
}

constexpr CudaSweepTable table = rows(Optimizers{});

}  // namespace

const CudaSweepTable& cuda_sweep_table() noexcept { return table; }

}  // namespace gs
