// The only CPU optimizer loop: vector body and tail for every rule, dtype and instruction set are these lines.
#include "kernels/sweep.hpp"

#include <utility>

#include "core/dtype.hpp"

namespace gs {
namespace {

template <class Update, class Param, class... State>
HD void loop(const Update update, Param* RESTRICT w, const Param* RESTRICT g, std::size_t n, State* RESTRICT... state) {
#pragma omp simd
  for (std::size_t i = 0; i < n; ++i) {
    auto value = load(w[i]);
    update(value, load(g[i]), state[i]...);
    store(w[i], value);
  }
}

// One row. Not inlined: inside the loop over rows, Adam took two threads a fifth longer to move a small network's
// weights, though one thread no longer.
template <class Rule, class Param, std::size_t... slot>
__attribute__((noinline)) void row(const void* update, Param* w, const Param* g, std::size_t n,
                                   Real<Param>* const* state, std::index_sequence<slot...>) {
  using Update = typename Rule::template Update<Real<Param>>;
  (void)state;  // a rule without slots
  loop(*static_cast<const Update*>(update), w, g, n, state[slot]...);
}

template <class Rule, class Param>
void sweep(const void* update, void* w, const void* g, void* const* state, const Area& area) {
  constexpr std::size_t slots = Rule::slots.size();
  for (std::size_t i = 0; i < area.rows; ++i) {
    Real<Param>* here[slots + 1];
    for (std::size_t s = 0; s < slots; ++s) here[s] = static_cast<Real<Param>*>(state[s]) + i * area.stride;
    row<Rule>(update, static_cast<Param*>(w) + i * area.stride, static_cast<const Param*>(g) + i * area.columns,
              area.columns, here, std::make_index_sequence<slots>{});
  }
}

template <class... Rules> constexpr SweepTable rows(TypeList<Rules...>) {
  return {{{sweep<Rules, float>, sweep<Rules, double>}...}};
}

constexpr SweepTable table = rows(Optimizers{});

}  // namespace

template <> const SweepTable& sweep_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
