// Numbers kept in fewer bits: half types, and state of 8 bits. Over numbers that lie side by side.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/portable.hpp"
#include "core/random.hpp"
#include "kernels/isa.hpp"

namespace gs {

/// Numbers that share a scale where state is int8.
inline constexpr std::size_t scale_block = 256;

/// Where the chance of a rounding comes from: the same for an element in a step, however elements are shared out.
struct Chance {
  std::uint64_t key, step;
  std::uint32_t array;

  // Of each 128 elements of the array, 16 lanes with four words each, of two halves each.
  static constexpr std::size_t lanes = 16, group = 8 * lanes;
  /// The words of a lane, of all that the array has.
  HD std::array<std::uint32_t, 4> words(std::uint64_t lane) const {
    return philox({std::uint32_t(lane), array, std::uint32_t(step), std::uint32_t(lane >> 32)}, key);
  }
  /// The 16 bits of one element.
  HD std::uint32_t of(std::size_t element) const {
    const std::size_t offset = element % group, word = offset / lanes;
    const auto four = words(element / group * lanes + offset % lanes);
    return word < 4 ? four[word] & 0xffffu : four[word - 4] >> 16;
  }
};

/// What state in fewer bits is rounded by: not to the nearest, for a second moment moves by a thousandth of itself a
/// step, much less than from one number to the next, and would stand still; but up or down, right in the mean over
/// steps. A step's numbers, of which those of a block begin at a place of its own.
class Dither {
 public:
  explicit Dither(std::uint64_t t) {
    for (std::uint64_t i = 0; i < 2 * scale_block; ++i) {
      halves_[i] = (float(part(i, t) >> 40) * 0x1p-24f - 0.5f) * 0.9999f;
      words_[i] = std::uint32_t(part(i, t) >> 48);
    }
  }
  /// Just within [-1/2, 1/2], so that a whole number stays: added to a code before it is rounded to the nearest.
  const float* codes(std::size_t block, std::size_t slot) const { return halves_ + place(block, slot); }
  /// Of 16 bits: added to a float before its last 16 are cut off.
  const std::uint32_t* words(std::size_t block, std::size_t slot) const { return words_ + place(block, slot); }
  /// The word of one element, without the others.
  HD static std::uint32_t word(std::uint64_t t, std::size_t element, std::size_t slot) {
    return std::uint32_t(part(place(element / scale_block, slot) + element % scale_block, t) >> 48);
  }

 private:
  // Multiples of two irrational numbers without their whole part: evenly spread over neighbours, and over steps.
  HD static std::uint64_t part(std::uint64_t i, std::uint64_t t) {
    return i * 0xC13FA9A902A6328Fu + t * 0x9E3779B97F4A7C15u;
  }
  HD static std::size_t place(std::size_t block, std::size_t slot) { return (block * 77 + slot * 101) % scale_block; }
  float halves_[2 * scale_block];
  std::uint32_t words_[2 * scale_block];
};

/// The two directions of a half type.
struct HalfCodec {
  void (*to_float)(const void* in, void* out, std::size_t n);
  void (*to_double)(const void* in, void* out, std::size_t n);
  void (*from_float)(const void* in, void* out, std::size_t n);
};

struct CodecTable {
  HalfCodec f16, bf16;
  // in (n) -> out (n) of bfloat16, rounded by chance; first: position of in[0] in its array
  void (*round_by_chance)(const float* in, void* out, std::size_t n, std::size_t first, const Chance& chance);
  // codes (n), scales (n / 256, rounded up) -> out (n)
  void (*decode8)(const std::uint8_t* codes, const float* scales, float* out, std::size_t n, bool has_signs);
  // n times the number -> codes (n), scales (n / 256, rounded up)
  void (*fill8)(float number, bool has_signs, std::uint8_t* codes, float* scales, std::size_t n);
};

template <class Isa> const CodecTable& codec_table() noexcept;

}  // namespace gs
