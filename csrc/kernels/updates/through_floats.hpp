// State in fewer bits as rows of floats, in the first cache, and back: what a rule's own loop over rows moves then. One
// loop for all rules.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/dtype.hpp"
#include "kernels/products/packed.hpp"
#include "kernels/updates/most_slots.hpp"
#include "kernels/updates/sweep.hpp"

namespace gs {
namespace {

// w, g (n) and the slots of a rule (n each), as floats
using FloatRow = void (*)(const void* update, const Factors& factors, float* w, const float* g, std::size_t n,
                          float* const* state);

/// How many numbers are moved before any of them is put away: all that a rule has of them stay in the first cache, and
/// no block waits for the largest number of the one before.
constexpr std::size_t group = 4 * scale_block;

// Not inlined, as what follows: the same for all rules.
__attribute__((noinline)) void read_halves(const std::uint16_t* RESTRICT words, std::size_t n,
                                           float* RESTRICT numbers) {
#pragma omp simd
  for (std::size_t i = 0; i < n; ++i) numbers[i] = Bfloat16::decode(words[i]);
}
__attribute__((noinline)) void write_halves(const float* RESTRICT numbers, const std::uint32_t* RESTRICT dither,
                                            std::size_t n, std::uint16_t* RESTRICT words) {
#pragma omp simd
  for (std::size_t i = 0; i < n; ++i) words[i] = Bfloat16::encode(numbers[i], dither[i]);
}

[[maybe_unused]] void halved_rows(const void* update, const Factors& factors, void* w, const void* g,
                                  void* const* state, const MatrixLayout& layout, FloatRow move, std::size_t slots) {
  const Dither& dither = *static_cast<const Dither*>(state[slots]);
  const auto first = reinterpret_cast<std::uintptr_t>(state[slots + 1]);  // position of the first number
  alignas(64) float numbers[most_slots][group];
  float* here[most_slots] = {};
  for (std::size_t s = 0; s < slots; ++s) here[s] = numbers[s];
  for (std::size_t i = 0; i < layout.rows; ++i)
    for (std::size_t j = 0, n; j < layout.columns; j += n) {
      const std::size_t at = i * layout.stride + j;
      n = layout.columns - j < group ? layout.columns - j : group;
      const auto words = [&](std::size_t s) { return static_cast<std::uint16_t*>(state[s]) + at; };
      for (std::size_t s = 0; s < slots; ++s) read_halves(words(s), n, here[s]);
      move(update, factors, static_cast<float*>(w) + at, static_cast<const float*>(g) + i * layout.columns + j, n,
           here);
      for (std::size_t begin = 0, count; begin < n; begin += count) {  // block by block
        const std::size_t block = (first + at + begin) / scale_block, offset = (first + at + begin) % scale_block;
        count = n - begin < scale_block - offset ? n - begin : scale_block - offset;
        for (std::size_t s = 0; s < slots; ++s)
          write_halves(here[s] + begin, dither.words(block, s) + offset, count, words(s) + begin);
      }
    }
}

template <bool has_signs>
__attribute__((noinline)) void unpack_block(const std::uint8_t* codes, float scale, std::size_t n, float* numbers) {
  n == scale_block ? unpack<has_signs>(codes, scale, numbers, scale_block)
                   : unpack<has_signs>(codes, scale, numbers, n);
}

// numbers (group, zeros from n on) -> codes (n), scales; block: position of the first
template <bool has_signs>
__attribute__((noinline)) void pack_group(const float* numbers, const Dither& dither, std::size_t block,
                                          std::size_t slot, std::uint8_t* codes, float* scales, std::size_t n) {
  std::uint32_t tops[group / scale_block];
  for (std::size_t i = 0; i < n; i += scale_block) tops[i / scale_block] = largest(numbers + i);
  for (std::size_t i = 0, b = 0; i < n; i += scale_block, ++b)
    scales[b] = pack<has_signs>(numbers + i, dither.codes(block + b, slot), tops[b], codes + i,
                                n - i < scale_block ? n - i : scale_block);
}

// no_signs: a bit for each slot, set if its numbers are never below 0
__attribute__((noinline)) void packed_row(const void* update, const Factors& factors, void* w, const void* g,
                                          void* const* state, const MatrixLayout& layout, FloatRow move,
                                          std::size_t slots, unsigned no_signs) {
  const Dither& dither = *static_cast<const Dither*>(state[2 * slots]);
  const auto first = reinterpret_cast<std::uintptr_t>(state[2 * slots + 1]) / scale_block;
  alignas(64) float numbers[most_slots][group];
  for (std::size_t at = 0; at < layout.columns; at += group) {
    const std::size_t n = layout.columns - at < group ? layout.columns - at : group, block = at / scale_block;
    const auto codes = [&](std::size_t s) { return static_cast<std::uint8_t*>(state[s]) + at; };
    const auto scales = [&](std::size_t s) { return static_cast<float*>(state[slots + s]) + block; };
    for (std::size_t i = 0; i < n; i += scale_block) {
      const std::size_t count = n - i < scale_block ? n - i : scale_block;
      float* here[most_slots] = {};
      for (std::size_t s = 0; s < slots; ++s) {
        here[s] = numbers[s] + i;
        (no_signs >> s & 1 ? unpack_block<false> : unpack_block<true>)(codes(s) + i, scales(s)[i / scale_block], count,
                                                                       here[s]);
      }
      move(update, factors, static_cast<float*>(w) + at + i, static_cast<const float*>(g) + at + i, count, here);
    }
    for (std::size_t s = 0; s < slots; ++s) {
      for (std::size_t i = n; i % scale_block != 0; ++i) numbers[s][i] = 0;
      (no_signs >> s & 1 ? pack_group<false> : pack_group<true>)(numbers[s], dither, first + block, s, codes(s),
                                                                 scales(s), n);
    }
  }
}

}  // namespace
}  // namespace gs
