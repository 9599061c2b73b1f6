// State of 8 bits: numbers in blocks of 256 with a scale each.
//
// A code counts steps of the fourth root of a number, or nearly the root: a quarter of a float's bits, as a float, is
// within 6 % of it, has an exact inverse, and takes no time. Numbers that have codes are then near each other also
// where they are small: 3 % apart at the largest of a block, 6 % at a tenth of it, 12 % at a hundredth and 48 % at a
// ten-thousandth (half of that without signs), where the same bits spent evenly reach 100 % at a two-hundredth; the
// smallest is 4e-9 of the largest (2e-10). That is the purpose of the dynamic quantisation of Dettmers et al. 2022,
// arXiv:2110.02861, whose numbers are 14 % apart at a tenth, in a form that is computed and not looked up.
//
// The codes of a whole block lie in 64 words of four: byte k of word i is of number i + 64 k. To take words apart is a
// shift and a mask; to make words of bytes that lie side by side takes shuffles, and they longer than all else. The
// codes of a block that is not whole lie side by side.
//
// A slot that a rule says is never negative has all 8 bits for sizes; others have the sign in the highest. Where none
// is negative nothing but 0 becomes 0: a step divided by the root of a second moment that had vanished would be huge.
// A nan makes nan of its whole block: nothing hides a divergence. Infinities, as second moments have where squares
// overflow, leave the rest of their block as it is: they have the highest code, finite numbers those below it, and a
// scale that is negative says so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/math.hpp"
#include "kernels/updates/codec.hpp"

namespace gs {

inline constexpr std::size_t quarter = scale_block / 4;

// A quarter of a float's bits, and this: the float near its fourth root.
inline constexpr std::uint32_t root_bias = (127u << 23) - (127u << 21);

/// One byte of a block's words as numbers. Sums and bounds where a choice would do: choices take masks, and more time.
template <bool has_signs> struct Unpacked {
  float step;
  std::uint32_t least;  // what is too small for a float becomes 0; in a block that is none, all become nan
  int shift;

  HD Unpacked(float scale, int byte)
      : step(scale - scale == 0 ? scale : 0.0f),
        least(scale - scale == 0 ? root_bias : root_bias + (0x7fc00000u >> 2)),
        shift(8 * byte) {}
  HD float operator()(std::uint32_t word) const {
    const std::uint32_t code = word >> shift;
    const std::uint32_t bits = to_bits(float(std::int32_t(code & (has_signs ? 0x7fu : 0xffu))) * step);
    const std::uint32_t above = bits > least ? bits : least;
    const std::uint32_t sign = has_signs ? code << 24 & 0x80000000u : 0;
    return from_bits<float>((above - root_bias) << 2 | sign);
  }
};

namespace {
/// Codes of a block with infinities, one by one, as a scale below 0 says.
template <bool has_signs>
__attribute__((noinline)) void unpack_infinite(const std::uint8_t* codes, float scale, float* numbers, std::size_t n) {
  constexpr std::uint32_t most = has_signs ? 127 : 255;
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint32_t word = n == scale_block ? codes[i % quarter * 4 + i / quarter] : codes[i];
    const float size = (word & most) == most ? float(__builtin_inf()) : Unpacked<has_signs>(-scale, 0)(word & most);
    numbers[i] = word > most ? -size : size;
  }
}
}  // namespace

/// The words of a block of n codes: as they lie, or, of a block that is not whole, a word for each.
class Words {
 public:
  HD Words(const std::uint8_t* codes, std::size_t n) : at_(codes), whole_(n == scale_block) {
    if (whole_) return;
    for (std::size_t i = 0; i < n; ++i) wide_[i] = codes[i];
    at_ = reinterpret_cast<const std::uint8_t*>(wide_);
  }
  Words(const Words&) = delete;
  HD const std::uint8_t* get() const { return at_; }

 private:
  const std::uint8_t* at_;
  bool whole_;
  std::uint32_t wide_[scale_block];
};
HD std::uint32_t word_at(const std::uint8_t* words, std::size_t i) {
  std::uint32_t word;
  std::memcpy(&word, words + 4 * i, 4);
  return word;
}
/// How many numbers of a block of n have their codes in one byte of its words.
HD std::size_t part_of(std::size_t n) { return n == scale_block ? quarter : n; }

// codes (n <= 256) -> numbers (n)
template <bool has_signs>
HD void unpack(const std::uint8_t* codes, float scale, float* RESTRICT numbers, std::size_t n) {
  if (scale < 0) return unpack_infinite<has_signs>(codes, scale, numbers, n);
  const Words words(codes, n);
  const std::size_t part = part_of(n);
  for (std::size_t begin = 0; begin < n; begin += part) {
    const Unpacked<has_signs> number(scale, int(begin / quarter));
    float* RESTRICT to = numbers + begin;
#pragma omp simd
    for (std::size_t i = 0; i < part; ++i) to[i] = number(word_at(words.get(), i));
  }
}

/// The size of the largest of a block, as a word: those of inf and nan are larger than any number's.
HD std::uint32_t largest(const float* RESTRICT numbers) {
  std::uint32_t top = 0;
#pragma omp simd reduction(max : top)
  for (std::size_t i = 0; i < scale_block; ++i) {
    const std::uint32_t size = to_bits(numbers[i]) & 0x7fffffffu;
    top = size > top ? size : top;
  }
  return top;
}

/// The root of the largest number over its code. Next to the largest float a little less, for the product of the two
/// may be larger than the root by two units in the last place, which is infinity.
HD float step_of(float rooted, float most, std::uint32_t top) {
  return rooted / most * (top > 0x7f7ffff0u ? 1 - 0x1p-22f : 1.0f);
}

namespace {
// The same as `pack` of a block that has infinities, one by one.
template <bool has_signs>
__attribute__((noinline)) float pack_infinite(const float* numbers, const float* dither, std::uint8_t* codes,
                                              std::size_t n) {
  constexpr std::uint32_t most = has_signs ? 127 : 255;
  std::uint32_t top = 0x00800000u;
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint32_t size = to_bits(numbers[i]) & 0x7fffffffu;
    if (size < 0x7f800000u && size > top) top = size;
  }
  const float rooted = from_bits<float>((top >> 2) + root_bias), by = (most - 1) / rooted;
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint32_t bits = to_bits(numbers[i]), size = bits & 0x7fffffffu;
    const float counted = from_bits<float>((size >> 2) + root_bias) * by + dither[i];
    std::uint32_t code =
        size < 0x7f800000u ? to_bits(counted + Bits<float>::round) - to_bits(Bits<float>::round) : most;
    if (!has_signs && code == 0 && size > 0) code = 1;
    codes[n == scale_block ? i % quarter * 4 + i / quarter : i] =
        std::uint8_t(code | (has_signs ? bits >> 31 << 7 : 0));
  }
  return -step_of(rooted, most - 1, top);
}
constexpr float no_dither[scale_block] = {};
}  // namespace

// numbers (256, zeros from n on), dither (256), top: the largest -> codes (n); the scale
template <bool has_signs>
HD float pack(const float* RESTRICT numbers, const float* RESTRICT dither, std::uint32_t top, std::uint8_t* codes,
              std::size_t n) {
  if (top == 0x7f800000u) return pack_infinite<has_signs>(numbers, dither, codes, n);
  // Beside a number that large, dither would make much of what is nothing to it: 1 beside 1e24 is kept as 0, not at
  // times as the smallest code, 4e15.
  if (top >= 0x53800000u) dither = no_dither;  // 2^40
  const bool finite = top < 0x7f800000u, zero = top < 0x00800000u;
  // The largest number has the highest code whatever the dither: else the scale would be the largest of dithered
  // numbers, and grow with every step.
  const float most = has_signs ? 127 : 255, rooted = from_bits<float>((top >> 2) + root_bias);
  const float by = zero || !finite ? 0.0f : most / rooted;
  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits, also of what dither has made negative
  constexpr float round = Bits<float>::round;
  const std::uint32_t zero_code = to_bits(round), least = zero_code + !zero;
  std::uint8_t workspace[scale_block];
  std::uint8_t* RESTRICT words = n == scale_block ? codes : workspace;
#pragma omp simd
  for (std::size_t i = 0; i < quarter; ++i) {
    std::uint32_t word = 0, signs = 0;
#pragma GCC unroll 4
    for (std::size_t k = 0; k < 4; ++k) {
      const std::uint32_t bits = to_bits(numbers[i + k * quarter]), size = bits & 0x7fffffffu;
      std::uint32_t code = to_bits(from_bits<float>((size >> 2) + root_bias) * by + dither[i + k * quarter] + round);
      if (has_signs) {
        signs |= bits >> (24 - 8 * k) & 0x80u << 8 * k;
      } else {
        const std::uint32_t low = size + zero_code < least ? size + zero_code : least;
        code = code > low ? code : low;
      }
      word += code << 8 * k;
    }
    // What `round` has left above the codes goes at once.
    word = (word - zero_code * 0x01010101u) | signs;
    std::memcpy(words + 4 * i, &word, 4);
  }
  if (n < scale_block)
    for (std::size_t i = 0; i < n; ++i) codes[i] = workspace[i % quarter * 4 + i / quarter];
  return !finite ? float(__builtin_nan("")) : zero ? 0.0f : step_of(rooted, most, top);
}
/// The same of one block by itself; numbers (256): those from n on are set to 0.
template <bool has_signs> HD float pack(float* numbers, const float* dither, std::uint8_t* codes, std::size_t n) {
  for (std::size_t i = n; i < scale_block; ++i) numbers[i] = 0;
  return pack<has_signs>(numbers, dither, largest(numbers), codes, n);
}

}  // namespace gs
