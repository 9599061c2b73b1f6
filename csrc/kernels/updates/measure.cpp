#include "kernels/updates/measure.hpp"

#include <utility>

#include "core/dtype.hpp"
#include "core/measure.hpp"
#include "kernels/products/packed.hpp"
#include "kernels/updates/most_slots.hpp"

namespace gs {
namespace {

// w, g, state (n), n <= sum_lanes
template <class Measure, class Real, std::size_t... sum, class... State>
HD void add(const Measure measure, const Real decay, const Real scale, const Real* RESTRICT w, const Real* RESTRICT g,
            std::size_t n, double (*RESTRICT lanes)[sum_lanes], std::index_sequence<sum...>, State* RESTRICT... state) {
#pragma omp simd
  for (std::size_t i = 0; i < n; ++i) measure(w[i] * decay, g[i] * scale, state[i]..., lanes[sum][i]...);
}

template <class Rule, class Real, std::size_t... slot>
HD void add_all(const void* constants, const Factors& factors, const Real* w, const Real* g, Real* const* state,
                std::size_t n, double* lanes, std::index_sequence<slot...>) {
  (void)state;  // a rule whose first pass needs none
  constexpr std::make_index_sequence<Rule::sums> sums{};
  const auto measure = *static_cast<const typename Rule::template Measure<Real>*>(constants);
  const Real decay = Real(factors.decay), scale = Real(factors.scale);
  const auto to = reinterpret_cast<double (*)[sum_lanes]>(lanes);
  const std::size_t whole = n / sum_lanes * sum_lanes;
  for (std::size_t i = 0; i < whole; i += sum_lanes)
    add(measure, decay, scale, w + i, g + i, sum_lanes, to, sums, state[slot] + i...);
  add(measure, decay, scale, w + whole, g + whole, n - whole, to, sums, state[slot] + whole...);
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

// A slot's words of bfloat16, or its codes of 8 bits and their scales, as floats and back.
struct HalfState {
  std::uint16_t* words;

  HalfState(void* const* state, std::size_t slot, std::size_t, std::size_t at)
      : words(static_cast<std::uint16_t*>(state[slot]) + at) {}
  void get(float* RESTRICT to, std::size_t n, bool) const {
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) to[i] = Bfloat16::decode(words[i]);
  }
  void put(const float* RESTRICT from, std::size_t n, const Dither& dither, std::size_t block, std::size_t slot,
           bool) const {
    const std::uint32_t* RESTRICT up = dither.words(block, slot);
    std::uint16_t* RESTRICT to = words;
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) to[i] = Bfloat16::encode(from[i], up[i]);
  }
  static constexpr std::size_t arrays = 1;  // a slot
};

struct PackedState {
  std::uint8_t* codes;
  float* scale;

  PackedState(void* const* state, std::size_t slot, std::size_t slots, std::size_t at)
      : codes(static_cast<std::uint8_t*>(state[slot]) + at),
        scale(static_cast<float*>(state[slots + slot]) + at / scale_block) {}
  void get(float* to, std::size_t n, bool signs) const {
    signs ? unpack<true>(codes, *scale, to, n) : unpack<false>(codes, *scale, to, n);
  }
  void put(float* from, std::size_t n, const Dither& dither, std::size_t block, std::size_t slot, bool signs) const {
    const float* const by = dither.codes(block, slot);
    *scale = signs ? pack<true>(from, by, codes, n) : pack<false>(from, by, codes, n);
  }
  static constexpr std::size_t arrays = 2;
};

// Block by block, through the first cache, by the rule's own loop over floats. no_signs: a bit for each slot, set if
// its numbers are never below 0.
template <class State>
__attribute__((noinline)) void measure_blocks(const void* constants, const Factors& factors, const float* w,
                                              const float* g, void* const* state, std::size_t n, double* lanes,
                                              Measure of_floats, std::size_t slots, unsigned no_signs) {
  const Dither& dither = *static_cast<const Dither*>(state[State::arrays * slots]);
  const auto first = reinterpret_cast<std::uintptr_t>(state[State::arrays * slots + 1]) / scale_block;
  alignas(64) float numbers[most_slots][scale_block];
  void* here[most_slots] = {};
  for (std::size_t s = 0; s < slots; ++s) here[s] = numbers[s];
  for (std::size_t at = 0; at < n; at += scale_block) {
    const std::size_t count = n - at < scale_block ? n - at : scale_block;
    for (std::size_t s = 0; s < slots; ++s) State(state, s, slots, at).get(numbers[s], count, !(no_signs >> s & 1));
    of_floats(constants, factors, w + at, g + at, here, count, lanes);
    for (std::size_t s = 0; s < slots; ++s)
      State(state, s, slots, at).put(numbers[s], count, dither, first + at / scale_block, s, !(no_signs >> s & 1));
  }
}

template <class Rule, class State>
void measure_small(const void* constants, const Factors& factors, const void* w, const void* g, void* const* state,
                   std::size_t n, double* lanes) {
  measure_blocks<State>(constants, factors, static_cast<const float*>(w), static_cast<const float*>(g), state, n, lanes,
                        measure<Rule, float>, measured_slots<Rule>, unsigned_slots<Rule>);
}

template <class Rule, class Real> constexpr Measure pick() {
  if constexpr (measures<Rule>)
    return measure<Rule, Real>;
  else
    return nullptr;
}

template <class Rule, class State> constexpr Measure pick_small() {
  if constexpr (!measures<Rule>)
    return nullptr;
  else if constexpr (measured_slots<Rule> == 0)
    return measure<Rule, float>;
  else
    return measure_small<Rule, State>;
}

template <class... Rules> constexpr MeasureTable rows(TypeList<Rules...>) {
  return {{{pick<Rules, float>(), pick<Rules, double>()}...},
          {pick_small<Rules, HalfState>()...},
          {pick_small<Rules, PackedState>()...}};
}

constexpr MeasureTable table = rows(Optimizers{});

}  // namespace

template <> const MeasureTable& measure_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
