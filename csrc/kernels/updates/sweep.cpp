// The only CPU optimizer loop: vector body and tail for every rule, type and instruction set are these lines. They are
// made for a formula, not for a rule: rules that differ in settings alone (Adam, AdamW, PyTorch's Adam) run the same
// code.
#include "kernels/updates/sweep.hpp"

#include <type_traits>
#include <utility>

#include "core/dtype.hpp"
#include "core/sixteens.hpp"
#include "kernels/simd.hpp"
#include "kernels/updates/through_floats.hpp"

namespace gs {
namespace {

/// How many numbers of a row whole vectors take; the compiler sees that it is a multiple of their lanes.
template <std::size_t lanes> HD std::size_t in_vectors(std::size_t n) { return n / lanes * lanes; }
constexpr std::size_t half_lanes = vector_bytes / sizeof(std::uint16_t);

/// n numbers (n < 16) of each array, from an offset on -> a row of `last` each, with zeros behind them. Not inlined, as
/// what follows: the same for all rules.
template <class Real>
__attribute__((noinline)) void take_last(Real* const* arrays, std::size_t count, std::size_t offset, std::size_t n,
                                         Real (*last)[fold_lanes]) {
  for (std::size_t a = 0; a < count; ++a) {
    for (std::size_t l = 0; l < Simd<Real>::lanes; ++l) last[a][l] = 0;
    copy_few<Real>(arrays[a] + offset, n, last[a]);
  }
}
/// And back.
template <class Real>
__attribute__((noinline)) void give_last(const Real (*last)[fold_lanes], std::size_t count, std::size_t offset,
                                         std::size_t n, Real* const* arrays) {
  for (std::size_t a = 0; a < count; ++a) copy_few(last[a], n, arrays[a] + offset);
}

template <class Update, class Real, class... State>
HD void loop(const Update update, const Real decay, const Real scale, Real* RESTRICT w, const Real* RESTRICT g,
             std::size_t n, State* RESTRICT... state) {
#pragma omp simd
  for (std::size_t i = 0; i < in_vectors<Simd<Real>::lanes>(n); ++i) {
    Real value = w[i] * decay;
    update(value, g[i] * scale, state[i]...);
    w[i] = value;
  }
}

// One row. The last numbers, which fill no vector, are copied into one, filled up with zeros, moved by the same loop,
// and copied back. Not inlined: inside the loop over rows, Adam took two threads a fifth longer to move a small
// network's weights, though one thread no longer.
template <class Update, class Real, std::size_t... slot>
__attribute__((noinline)) void row(const void* update, const Factors& factors, Real* w, const Real* g, std::size_t n,
                                   Real* const* state, std::index_sequence<slot...>) {
  (void)state;  // a rule without slots
  const std::size_t whole = in_vectors<Simd<Real>::lanes>(n), rest = n - whole;
  constexpr std::size_t slots = sizeof...(slot);
  alignas(64) Real last[slots + 2][fold_lanes];
  Real* const arrays[] = {state[slot]..., w, const_cast<Real*>(g)};  // only read
  Real* at[] = {state[slot]..., w, const_cast<Real*>(g)};
  for (std::size_t count = whole;; count = Simd<Real>::lanes) {
    if (count)
      loop(*static_cast<const Update*>(update), Real(factors.decay), Real(factors.scale), at[slots], at[slots + 1],
           count, at[slot]...);
    if (!rest || at[slots] != w) break;
    take_last(arrays, slots + 2, whole, rest, last);
    for (std::size_t a = 0; a < slots + 2; ++a) at[a] = last[a];
  }
  if (rest) give_last(last, slots + 1, whole, rest, arrays);
}

template <class Update, class Real, std::size_t slots>
void sweep(const void* update, const Factors& factors, void* w, const void* g, void* const* state,
           const MatrixLayout& layout) {
  const bool joins = layout.stride == layout.columns;  // rows that are one
  const std::size_t rows = joins ? 1 : layout.rows, n = joins ? layout.rows * layout.columns : layout.columns;
  for (std::size_t i = 0; i < rows; ++i) {
    Real* here[slots + 1];
    for (std::size_t s = 0; s < slots; ++s) here[s] = static_cast<Real*>(state[s]) + i * layout.stride;
    row<Update>(update, factors, static_cast<Real*>(w) + i * layout.stride,
                static_cast<const Real*>(g) + i * layout.columns, n, here, std::make_index_sequence<slots>{});
  }
}

template <class Update, std::size_t slots>
void float_row(const void* update, const Factors& factors, float* w, const float* g, std::size_t n,
               float* const* state) {
  row<Update>(update, factors, w, g, n, state, std::make_index_sequence<slots>{});
}
/// Whether code is to be small rather than fast: words of bfloat16 then become rows of floats, and back, as codes of 8
/// bits do everywhere. Else a rule's loop reads and writes them, so that memory does not wait for what is computed.
constexpr bool is_small = std::is_same_v<GS_ISA, V2>;

// A rule's step of one element whose state is in words: x in each of `held`, which then puts it away.
template <class Update, class... Held> HD void through(const Update& update, float& w, float g, Held... held) {
  update(w, g, held.x...);
  (held.put(), ...);
}

struct HalfSlot {
  std::uint16_t* words;
  const std::uint32_t* dither;
};
struct HeldHalf {
  float x;
  std::uint16_t* at;
  std::uint32_t up;
  HD void put() const { *at = Bfloat16::encode(x, up); }
};

template <class Update, class... Slot>
HD void loop_halved(const Update update, const float decay, const float scale, float* RESTRICT w,
                    const float* RESTRICT g, std::size_t n, const Slot... slot) {
#pragma omp simd
  for (std::size_t i = 0; i < in_vectors<half_lanes>(n); ++i) {
    float value = w[i] * decay;
    through(update, value, g[i] * scale, HeldHalf{Bfloat16::decode(slot.words[i]), slot.words + i, slot.dither[i]}...);
    w[i] = value;
  }
}

// Of one block; at: its first element from where the state begins, position: in its array.
template <class Update, std::size_t... slot>
__attribute__((noinline)) void block_halved(const void* update, const Factors& factors, float* w, const float* g,
                                            std::size_t n, void* const* state, std::size_t at, std::size_t position,
                                            std::index_sequence<slot...>) {
  const Dither& dither = *static_cast<const Dither*>(state[sizeof...(slot)]);
  const std::size_t block = position / scale_block, offset = position % scale_block;
  (void)dither, (void)block, (void)offset, (void)at;  // a rule without slots
  const HalfSlot slots[] = {
      HalfSlot{static_cast<std::uint16_t*>(state[slot]) + at, dither.words(block, slot) + offset}..., HalfSlot{}};
  loop_halved(*static_cast<const Update*>(update), float(factors.decay), float(factors.scale), w, g, n, slots[slot]...);
  const std::size_t whole = in_vectors<half_lanes>(n), rest = n - whole;
  if (!rest) return;
  float numbers[sizeof...(slot) + 1][half_lanes];
  float* const here[] = {numbers[slot]..., nullptr};
  (read_halves(slots[slot].words + whole, rest, here[slot]), ...);
  row<Update>(update, factors, w + whole, g + whole, rest, here, std::index_sequence<slot...>{});
  (write_halves(here[slot], slots[slot].dither + whole, rest, slots[slot].words + whole), ...);
}

template <class Update, std::size_t slots>
void halved(const void* update, const Factors& factors, void* w, const void* g, void* const* state,
            const MatrixLayout& layout) {
  if constexpr (is_small) return halved_rows(update, factors, w, g, state, layout, float_row<Update, slots>, slots);
  const auto first = reinterpret_cast<std::uintptr_t>(state[slots + 1]);
  for (std::size_t i = 0; i < layout.rows; ++i)
    for (std::size_t j = 0, n; j < layout.columns; j += n) {
      const std::size_t at = i * layout.stride + j, rest = scale_block - (first + at) % scale_block;
      n = layout.columns - j < rest ? layout.columns - j : rest;
      block_halved<Update>(update, factors, static_cast<float*>(w) + at,
                           static_cast<const float*>(g) + i * layout.columns + j, n, state, at, first + at,
                           std::make_index_sequence<slots>{});
    }
}

template <class Update, std::size_t slots, unsigned no_signs>
void packed(const void* update, const Factors& factors, void* w, const void* g, void* const* state,
            const MatrixLayout& layout) {
  packed_row(update, factors, w, g, state, layout, float_row<Update, slots>, slots, no_signs);
}

template <class Rule, class Real> using Formula = typename Rule::template Update<Real>;

template <class Rule, class Real> constexpr auto sweep_of() {
  return sweep<Formula<Rule, Real>, Real, Rule::slots.size()>;
}

template <class... Rules> constexpr SweepTable rows(TypeList<Rules...>) {
  return {{{sweep_of<Rules, float>(), sweep_of<Rules, double>()}...},
          {halved<Formula<Rules, float>, Rules::slots.size()>...},
          {packed<Formula<Rules, float>, Rules::slots.size(), unsigned_slots<Rules>>...}};
}

constexpr SweepTable table = rows(Optimizers{});

}  // namespace

template <> const SweepTable& sweep_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
