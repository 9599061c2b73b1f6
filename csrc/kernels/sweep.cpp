// The only CPU optimizer loop: vector body and tail for every rule, type and instruction set are these lines.
#include "kernels/sweep.hpp"

#include <utility>

namespace gs {
namespace {

template <class Update, class Real, class... State>
HD void loop(const Update update, const Real keep, const Real scale, Real* RESTRICT w, const Real* RESTRICT g,
             std::size_t n, State* RESTRICT... state) {
#pragma omp simd
  for (std::size_t i = 0; i < n; ++i) {
    Real value = w[i] * keep;
    update(value, g[i] * scale, state[i]...);
    w[i] = value;
  }
}

// One row. Not inlined: inside the loop over rows, Adam took two threads a fifth longer to move a small network's
// weights, though one thread no longer.
template <class Rule, class Real, std::size_t... slot>
__attribute__((noinline)) void row(const void* update, const Factors& factors, Real* w, const Real* g, std::size_t n,
                                   Real* const* state, std::index_sequence<slot...>) {
  using Update = typename Rule::template Update<Real>;
  (void)state;  // a rule without slots
  loop(*static_cast<const Update*>(update), Real(factors.keep), Real(factors.scale), w, g, n, state[slot]...);
}

template <class Rule, class Real>
void sweep(const void* update, const Factors& factors, void* w, const void* g, void* const* state, const Area& area) {
  constexpr std::size_t slots = Rule::slots.size();
  for (std::size_t i = 0; i < area.rows; ++i) {
    Real* here[slots + 1];
    for (std::size_t s = 0; s < slots; ++s) here[s] = static_cast<Real*>(state[s]) + i * area.stride;
    row<Rule>(update, factors, static_cast<Real*>(w) + i * area.stride, static_cast<const Real*>(g) + i * area.columns,
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
