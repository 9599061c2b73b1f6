// State of 8 bits: numbers in blocks of 256 with a scale each.
//
// A code counts steps of the fourth root of a number, or nearly the root: a quarter of a float's bits, as a float, is
// within 6 % of it, has an exact inverse, and takes no time. Steps of the number are then fine where numbers are small:
// from the largest of a block down to a ten-thousandth of it the error is at most 1.7 to 17 % (half of that without
// signs), where the same bits spent evenly reach 100 % at a two-hundredth; the smallest number is 4e-9 of the
// largest (2e-10). That is the purpose of the dynamic quantisation of Dettmers et al. 2022, arXiv:2110.02861, in a form
// that is computed and not looked up.
//
// A slot that a rule says is never negative has all 8 bits for sizes; others have the sign in the highest. Where none
// is negative nothing but 0 becomes 0: a step divided by the root of a second moment that had vanished would be huge.
// An inf or nan makes nan of its whole block: nothing hides a divergence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "core/math.hpp"
#include "kernels/codec.hpp"

namespace gs {

// A quarter of a float's bits, and this: the float near its fourth root.
inline constexpr std::uint32_t root_bias = (127u << 23) - (127u << 21);

/// A block's codes as numbers. Sums and bounds where a choice would do: choices take masks, and more time.
template <bool has_signs> struct Unpacked {
  float step, poison;  // poison: 0, or nan

  HD explicit Unpacked(float scale) : step(scale), poison(scale * 0) {}
  HD float operator()(std::uint8_t code) const {
    const std::uint32_t bits = to_bits(float(std::int32_t(has_signs ? code & 0x7fu : code)) * step);
    const std::uint32_t above = bits > root_bias ? bits : root_bias;  // what is too small for a float becomes 0
    const std::uint32_t sign = has_signs ? std::uint32_t(code) << 24 & 0x80000000u : 0;
    return from_bits<float>((above - root_bias) << 2 | sign) + poison;
  }
};

// numbers, dither (n <= 256) -> codes (n); the scale
template <bool has_signs, class Count>
HD float pack(const float* RESTRICT numbers, const float* RESTRICT dither, std::uint8_t* RESTRICT codes,
              const Count n) {
  std::uint32_t top = 0;  // as words: those of inf and nan are larger than any number's
#pragma omp simd reduction(max : top)
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint32_t size = to_bits(numbers[i]) & 0x7fffffffu;
    top = size > top ? size : top;
  }
  const bool finite = top < 0x7f800000u, zero = top < 0x00800000u;
  // The largest number has the highest code whatever the dither: else the scale would be the largest of dithered
  // numbers, and grow with every step.
  const float most = has_signs ? 127 : 255, rooted = from_bits<float>((top >> 2) + root_bias);
  const float by = zero || !finite ? 0.0f : most / rooted;
  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits, also of what dither has made negative
  constexpr float round = Bits<float>::round;
  const std::uint32_t zero_code = to_bits(round), least = zero_code + !zero;
#pragma omp simd
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint32_t bits = to_bits(numbers[i]), size = bits & 0x7fffffffu;
    const std::uint32_t code = to_bits(from_bits<float>((size >> 2) + root_bias) * by + dither[i] + round);
    if (has_signs) {
      codes[i] = std::uint8_t(code | (bits >> 24 & 0x80u));
    } else {
      const std::uint32_t low = size + zero_code < least ? size + zero_code : least;
      codes[i] = std::uint8_t(code > low ? code : low);
    }
  }
  return !finite ? float(__builtin_nan("")) : zero ? 0.0f : rooted / most;
}

/// The same, and quicker where the block is whole: then the compiler knows its length.
template <bool has_signs>
HD float pack_block(const float* RESTRICT numbers, const float* RESTRICT dither, std::uint8_t* RESTRICT codes,
                    std::size_t n) {
  using Whole = std::integral_constant<std::size_t, scale_block>;
  return n == scale_block ? pack<has_signs>(numbers, dither, codes, Whole{})
                          : pack<has_signs>(numbers, dither, codes, n);
}

}  // namespace gs
