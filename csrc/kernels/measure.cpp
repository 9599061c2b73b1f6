#include "kernels/measure.hpp"

#include <utility>

#include "core/measure.hpp"

namespace gs {
namespace {

// w, g, state (n), n <= sum_lanes
template <class Measure, class Real, std::size_t... sum, class... State>
HD void add(const Measure measure, const Real keep, const Real scale, const Real* RESTRICT w, const Real* RESTRICT g,
            std::size_t n, double (*RESTRICT lanes)[sum_lanes], std::index_sequence<sum...>, State* RESTRICT... state) {
#pragma omp simd
  for (std::size_t i = 0; i < n; ++i) measure(w[i] * keep, g[i] * scale, state[i]..., lanes[sum][i]...);
}

template <class Rule, class Real, std::size_t... slot>
HD void add_all(const void* constants, const Factors& factors, const Real* w, const Real* g, Real* const* state,
                std::size_t n, double* lanes, std::index_sequence<slot...>) {
  (void)state;  // a rule whose first pass needs none
  constexpr std::make_index_sequence<Rule::sums> sums{};
  const auto measure = *static_cast<const typename Rule::template Measure<Real>*>(constants);
  const Real keep = Real(factors.keep), scale = Real(factors.scale);
  const auto to = reinterpret_cast<double (*)[sum_lanes]>(lanes);
  const std::size_t whole = n / sum_lanes * sum_lanes;
  for (std::size_t i = 0; i < whole; i += sum_lanes)
    add(measure, keep, scale, w + i, g + i, sum_lanes, to, sums, state[slot] + i...);
  add(measure, keep, scale, w + whole, g + whole, n - whole, to, sums, state[slot] + whole...);
}

template <class Rule, class Real>
void measure(const void* constants, const Factors& factors, const void* w, const void* g, void* const* state,
             std::size_t n, double* lanes) {
  constexpr std::size_t slots = measured_slots<Rule>;
  Real* here[slots + 1];
  for (std::size_t s = 0; s < slots; ++s) here[s] = static_cast<Real*>(state[s]);
  add_all<Rule>(constants, factors, static_cast<const Real*>(w), static_cast<const Real*>(g), here, n, lanes,
                std::make_index_sequence<slots>{});
}

template <class Rule, class Real> constexpr Measure pick() {
  if constexpr (measures<Rule>)
    return measure<Rule, Real>;
  else
    return nullptr;
}

template <class... Rules> constexpr MeasureTable rows(TypeList<Rules...>) {
  return {{{pick<Rules, float>(), pick<Rules, double>()}...}};
}

constexpr MeasureTable table = rows(Optimizers{});

}  // namespace

template <> const MeasureTable& measure_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
