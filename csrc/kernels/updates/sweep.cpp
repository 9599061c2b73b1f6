// The only CPU optimizer loop: vector body and tail for every rule, type and instruction set are these lines. They are
// made for a formula, not for a rule: rules that differ in settings alone (Adam, AdamW, PyTorch's Adam) run the same
// code.
#include "kernels/updates/sweep.hpp"

#include <cstdint>
#include <cstring>
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

/// Numbers in front of the first one from which on vectors straddle no cache line, fewer than a vector's; 0 of a row so
/// short that lines are no matter.
template <class Real> HD std::size_t before_line(const Real* w, std::size_t n) {
  constexpr std::size_t least = 1024;
  const std::size_t over = reinterpret_cast<std::uintptr_t>(w) % vector_bytes;
  return n < least || over == 0 ? 0 : (vector_bytes - over) / sizeof(Real);
}

/// The vectors at the ends of the arrays of a row: state, w and g. They are moved apart from those between them, in
/// copies, with numbers beside them that are moved in their place too, and so to the same. Those at the far end are
/// copied last: in an array that comes from far they come later. Not inlined: the same for all rules.
template <class Real> class Ends {
 public:
  static constexpr std::size_t most = 8;  // arrays

  /// at (arrays): where each begins -> where the vectors in its place do; how many numbers these are.
  __attribute__((noinline)) std::size_t begin(Real** at, std::size_t arrays, std::size_t n) {
    arrays_ = arrays;
    for (std::size_t a = 0; a < arrays; ++a) from_[a] = at[a];
    const std::size_t head = before_line(at[arrays - 2], n), whole = (n - head) / lanes * lanes;
    const bool has_rest = head + whole < n;
    size_ = n < lanes ? n : lanes;
    if (head > 0) {
      copy(0);
      for (std::size_t a = 0; a < arrays; ++a) at[a] += head;
    }
    // Of the last whole vector too: beside those behind it.
    places_[0] = head + whole - lanes;
    places_[1] = n - size_;
    late_ = has_rest ? (whole > 0 ? 2 : 1) : 0;
    return has_rest && whole > 0 ? whole - lanes : whole;
  }

  /// The same of the copies; 0, after all is back, when they are done.
  __attribute__((noinline)) std::size_t next(Real** at) {
    if (at[0] == copies_[0]) {
      for (std::size_t v = 0; v < count_; ++v)
        for (std::size_t a = 0; a + 1 < arrays_; ++a) move(copies_[a] + v * lanes, from_[a] + of_[v]);
      return 0;
    }
    for (std::size_t v = 2 - late_; v < 2; ++v) copy(places_[v]);
    for (std::size_t a = 0; a < arrays_; ++a) at[a] = copies_[a];
    return count_ * lanes;
  }

 private:
  static constexpr std::size_t lanes = Simd<Real>::lanes;

  HD void copy(std::size_t place) {
    for (std::size_t a = 0; a < arrays_; ++a) {
      Real* const to = copies_[a] + count_ * lanes;
      if (size_ < lanes)
        for (std::size_t l = 0; l < lanes; ++l) to[l] = 0;
      move(from_[a] + place, to);
    }
    of_[count_++] = place;
  }
  HD void move(const Real* from, Real* to) const {
    if (size_ == lanes)
      std::memcpy(to, from, lanes * sizeof(Real));
    else
      copy_few(from, size_, to);
  }

  alignas(64) Real copies_[most][3 * lanes];
  Real* from_[most];
  std::size_t arrays_, size_;  // size_: numbers of each vector; fewer than lanes where the row has no more
  std::size_t places_[2], late_, of_[3], count_ = 0;
};

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

// One row. What lies as w does, state and mostly the gradient, has vectors that straddle no line. Not inlined: inside
// the loop over rows, Adam took two threads a fifth longer to move a small network's weights, though one thread no
// longer.
template <class Update, class Real, std::size_t... slot>
__attribute__((noinline)) void row(const void* update, const Factors& factors, Real* w, const Real* g, std::size_t n,
                                   Real* const* state, std::index_sequence<slot...>) {
  (void)state;  // a rule without slots
  constexpr std::size_t slots = sizeof...(slot);
  static_assert(slots + 2 <= Ends<Real>::most);
  Real* at[] = {state[slot]..., w, const_cast<Real*>(g)};  // only read
  const bool has_ends = n % Simd<Real>::lanes > 0 || before_line(w, n) > 0;
  Ends<Real> ends;
  for (std::size_t count = has_ends ? ends.begin(at, slots + 2, n) : n;;) {
    if (count)
      loop(*static_cast<const Update*>(update), Real(factors.decay), Real(factors.scale), at[slots], at[slots + 1],
           count, at[slot]...);
    if (!has_ends || (count = ends.next(at)) == 0) return;
  }
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
