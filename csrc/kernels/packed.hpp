// State of 8 bits: numbers in blocks of 256 with a scale each.
//
// A code counts steps of the fourth root of a number, or nearly the root: a quarter of a float's bits, as a float, is
// within 6 % of it, has an exact inverse, and takes no time. Steps of the number are then fine where numbers are small:
// from the largest of a block down to a ten-thousandth of it the error is at most 1.7 to 17 % (half of that if none is
// negative), where the same bits spent evenly reach 100 % at a two-hundredth; the smallest number is 4e-9 of the
// largest (2e-10). That is the purpose of the dynamic quantisation of Dettmers et al. 2022, arXiv:2110.02861, in a form
// that is computed and not looked up.
//
// A negative scale says that a block has signs, in the highest bit of each code. In a block without signs nothing but 0
// becomes 0: a step divided by the root of a second moment that had vanished would be huge. An inf or nan makes nan of
// its whole block: nothing hides a divergence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "core/math.hpp"
#include "kernels/codec.hpp"

namespace gs {

/// A block's codes as numbers. Sums and bounds where a choice would do: choices take masks, and more time.
struct Unpacked {
  float step, poison;          // poison: 0, or nan
  std::uint32_t sizes, signs;  // masks of a code's size, and of a float's sign

  HD explicit Unpacked(float scale)
      : step(magnitude(scale)),
        poison(scale * 0),
        sizes(scale < 0 ? 0x7fu : 0xffu),
        signs(scale < 0 ? 0x80000000u : 0) {}
  HD float operator()(std::uint8_t code) const {
    const std::uint32_t bits = to_bits(float(std::int32_t(code & sizes)) * step);
    const std::uint32_t above = bits > quarter ? bits : quarter;  // what is too small for a float becomes 0
    return from_bits<float>((above - quarter) << 2 | (std::uint32_t(code) << 24 & signs)) + poison;
  }
  static constexpr std::uint32_t quarter = (127u << 23) - (127u << 21);  // keeps the exponent's bias
};

// numbers (n <= 256) -> codes (n); the scale
template <class Count>
HD float pack_some(const float* RESTRICT numbers, const float* RESTRICT dither, std::uint8_t* RESTRICT codes,
                   const Count n) {
  // As words: those of inf and nan are larger than any number's.
  std::uint32_t top = 0, any = 0;
#pragma omp simd reduction(max : top) reduction(| : any)
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint32_t bits = to_bits(numbers[i]), size = bits & 0x7fffffffu;
    top = size > top ? size : top;
    any |= bits;
  }
  const bool negative = any >> 31;
  const bool finite = top < 0x7f800000u, zero = top < 0x00800000u;
  const float most = negative ? 127 : 255, rooted = from_bits<float>((top >> 2) + Unpacked::quarter);
  const float by = zero || !finite ? 0.0f : most / rooted;
  // The largest stays the largest: its code is the highest whatever is added.
  const std::uint32_t signs = negative ? 0x80u : 0, highest = negative ? 127 : 255, least = negative || zero ? 0 : 1;
  constexpr float round = 8388608.0f;  // 2^23: adding it leaves the nearest integer in the low bits
#pragma omp simd
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint32_t bits = to_bits(numbers[i]), size = bits & 0x7fffffffu, low = size < least ? size : least;
    const float count = from_bits<float>((size >> 2) + Unpacked::quarter) * by + dither[i];
    const std::uint32_t rounded = to_bits(count + round) - to_bits(round), code = rounded < highest ? rounded : highest;
    codes[i] = std::uint8_t((code > low ? code : low) | (bits >> 24 & signs));
  }
  if (!finite) return float(__builtin_nan(""));
  const float step = zero ? 0.0f : rooted / most;
  return negative ? -step : step;
}
HD float pack(const float* RESTRICT numbers, const float* RESTRICT dither, std::uint8_t* RESTRICT codes,
              std::size_t n) {
  // A whole block, whose length the compiler knows, takes two thirds of the time.
  using Whole = std::integral_constant<std::size_t, scale_block>;
  return n == scale_block ? pack_some(numbers, dither, codes, Whole{}) : pack_some(numbers, dither, codes, n);
}

}  // namespace gs
