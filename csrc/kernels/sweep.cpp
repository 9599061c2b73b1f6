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

template <class Rule, class Param, std::size_t... slot>
HD void spread(const void* update, void* w, const void* g, void* const* state, const Area& area,
               std::index_sequence<slot...>) {
  using Update = typename Rule::template Update<Real<Param>>;
  (void)state;  // a rule without slots
  for (std::size_t i = 0; i < area.rows; ++i)
    loop(*static_cast<const Update*>(update), static_cast<Param*>(w) + i * area.stride,
         static_cast<const Param*>(g) + i * area.columns, area.columns,
         static_cast<Real<Param>*>(state[slot]) + i * area.stride...);
}

template <class Rule, class Param>
void sweep(const void* update, void* w, const void* g, void* const* state, const Area& area) {
  spread<Rule, Param>(update, w, g, state, area, std::make_index_sequence<Rule::slots.size()>{});
}

template <class... Rules> constexpr SweepTable rows(TypeList<Rules...>) {
  return {{{sweep<Rules, float>, sweep<Rules, double>}...}};
}

constexpr SweepTable table = rows(Optimizers{});

}  // namespace

template <> const SweepTable& sweep_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
