// The only GPU optimizer loop: the rules of optimizers/ in a grid-stride kernel. Built with --fmad=false, so that a
// rule rounds as it does on the CPU.
#include "kernels/cuda/sweep.hpp"

#include <algorithm>
#include <utility>

#include "core/dtype.hpp"

namespace gs {
namespace {

template <class Update, class Param, class... State>
__global__ void loop(const Update update, Param* RESTRICT w, const Param* RESTRICT g, std::size_t n,
                     State* RESTRICT... state) {
  const std::size_t stride = std::size_t(gridDim.x) * blockDim.x;
  for (std::size_t i = std::size_t(blockIdx.x) * blockDim.x + threadIdx.x; i < n; i += stride) {
    auto value = load(w[i]);
    update(value, load(g[i]), state[i]...);
    store(w[i], value);
  }
}

template <class Rule, class Param, std::size_t... slot>
int spread(const void* update, void* w, const void* g, void* const* state, std::size_t n, void* stream,
           std::index_sequence<slot...>) {
  using Update = typename Rule::template Update<Real<Param>>;
  if (n == 0) return cudaSuccess;
  (void)state;  // a rule without slots
  // Enough blocks to fill any GPU; the loop takes what is beyond them.
  constexpr unsigned threads = 256, most_blocks = 4096;
  const auto blocks = unsigned(std::min<std::size_t>((n + threads - 1) / threads, most_blocks));
  loop<<<blocks, threads, 0, static_cast<cudaStream_t>(stream)>>>(*static_cast<const Update*>(update),
                                                                  static_cast<Param*>(w), static_cast<const Param*>(g),
                                                                  n, static_cast<Real<Param>*>(state[slot])...);
  return cudaGetLastError();
}

template <class Rule, class Param>
int sweep(const void* update, void* w, const void* g, void* const* state, std::size_t n, void* stream) {
  return spread<Rule, Param>(update, w, g, state, n, stream, std::make_index_sequence<Rule::slots.size()>{});
}

template <class... Rules> constexpr CudaSweepTable rows(TypeList<Rules...>) {
  return {{{sweep<Rules, float>, sweep<Rules, double>}...}};
}

constexpr CudaSweepTable table = rows(Optimizers{});

}  // namespace

const CudaSweepTable& cuda_sweep_table() noexcept { return table; }

}  // namespace gs
