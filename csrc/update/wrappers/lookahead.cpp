#include "update/wrappers/lookahead.hpp"

#include <algorithm>

#include "update/numbers.hpp"

namespace gs {
namespace {

template <class Real> void meet(const SlowWeight& weight, double part, const ArrayChunk& chunk) {
  const Parameter& p = *weight.fast;
  const Numbers<Real> numbers(p.dtype, p.layout, p.data);
  Real* const slow = static_cast<Real*>(weight.slow);
  alignas(64) Real copy[block];
  const std::size_t most = numbers.in_place() ? chunk.end - chunk.begin : block;
  for (std::size_t i = chunk.begin, n; i < chunk.end; i += n) {
    n = std::min(most, chunk.end - i);
    Real* const fast = numbers.read(i, n, copy);
    wrapper_loops<Real>().meet(fast, slow + i, n, part);
    numbers.write(i, n, fast);
  }
}

}  // namespace

void meet(const std::vector<SlowWeight>& weights, double part, ThreadTeam* team) {
  std::vector<std::size_t> sizes;
  for (const SlowWeight& weight : weights) sizes.push_back(weight.fast->layout.size);
  const std::vector<ArrayChunk> chunks = chunks_of(sizes);
  each_chunk(chunks.size(), team, [&](std::size_t i) {
    const SlowWeight& weight = weights[chunks[i].array];
    if (real_of(weight.fast->dtype) == Dtype::f64)
      meet<double>(weight, part, chunks[i]);
    else
      meet<float>(weight, part, chunks[i]);
  });
}

std::int64_t Lookahead::steps() const {
  std::int64_t most = 0;
  for (const Optimizer* optimizer : optimizers) most = std::max(most, optimizer->t);
  return most;
}

}  // namespace gs
