#include "engine/step.hpp"

#include <algorithm>

#include "engine/dispatch.hpp"
#include "engine/parallel.hpp"

namespace gs {
namespace {

// Elements a chunk: its 4 to 7 streams of floats fill half an L2 cache.
constexpr std::size_t chunk_size = 1 << 15;
// Below this many elements a second thread would save less than it can cost the loop around us, whose BLAS has threads
// of its own on the same cores.
constexpr std::size_t parallel_size = 1 << 20;

// Elements [begin, end) of one parameter.
template <class Param>
void move(const Move& m, Sweep sweep, const AnyUpdate& update, std::size_t begin, std::size_t end) {
  const Parameter& p = *m.parameter;
  Param* const w = reinterpret_cast<Param*>(p.data);
  const Param* const g = reinterpret_cast<const Param*>(m.gradient);
  const bool straight = p.layout.contiguous && m.layout->contiguous;
  // What does not lie in C order goes through a small block that does.
  constexpr std::size_t block = 512;
  Param w_block[block], g_block[block];
  void* state[max_slots];
  for (std::size_t stop; begin < end; begin = stop) {
    stop = straight ? end : std::min(begin + block, end);
    for (std::size_t s = 0; s < p.state.size(); ++s) state[s] = static_cast<Real<Param>*>(p.state[s]) + begin;
    if (!p.layout.contiguous) gather(p.layout, p.data, begin, stop, w_block);
    if (!m.layout->contiguous) gather(*m.layout, m.gradient, begin, stop, g_block);
    sweep(&update, p.layout.contiguous ? w + begin : w_block, m.layout->contiguous ? g + begin : g_block, state,
          Area(stop - begin));
    if (!p.layout.contiguous) scatter(p.layout, p.data, begin, stop, w_block);
  }
}

}  // namespace

void Optimizer::step(const std::vector<Move>& moves) {
  const auto& table = kernels().sweep.sweep[rule.index];
  // Made on demand: pow is dear beside a step over a thousand elements.
  AnyUpdate updates[2];
  bool made[2] = {false, false};
  std::size_t total = 0;
  for (const Move& m : moves) {
    const int dtype = int(m.parameter->dtype);
    if (!made[dtype]) updates[dtype] = next(m.parameter->dtype);
    made[dtype] = true;
    total += m.parameter->layout.size;
  }
  const auto run = [&](const Move& m, std::size_t begin, std::size_t end) {
    const int dtype = int(m.parameter->dtype);
    if (m.parameter->dtype == Dtype::f32)
      move<float>(m, table[dtype], updates[dtype], begin, end);
    else
      move<double>(m, table[dtype], updates[dtype], begin, end);
  };

  const int threads = total < parallel_size ? 1 : get_num_threads();
  if (threads == 1) {
    const FlushSubnormals flush;
    for (const Move& m : moves) run(m, 0, m.parameter->layout.size);
  } else {
    struct Chunk {
      const Move* move;
      std::size_t begin, end;
    };
    std::vector<Chunk> chunks;
    for (const Move& m : moves)
      for (std::size_t i = 0; i < m.parameter->layout.size; i += chunk_size)
        chunks.push_back({&m, i, std::min(i + chunk_size, m.parameter->layout.size)});
    Crew::gather(threads, [&](Crew& crew) {
      crew.phase(chunks.size(), [&](std::size_t i, int) { run(*chunks[i].move, chunks[i].begin, chunks[i].end); });
    });
  }
  ++t;
}

}  // namespace gs
