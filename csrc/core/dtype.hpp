// Element types: what lies in memory, and what sums are done in.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/math.hpp"
#include "core/portable.hpp"

namespace gs {

enum class Dtype { f32, f64, f16, bf16 };

constexpr bool is_half(Dtype dtype) { return dtype == Dtype::f16 || dtype == Dtype::bf16; }
constexpr std::size_t item_size(Dtype dtype) { return dtype == Dtype::f64 ? 8 : is_half(dtype) ? 2 : 4; }

/// The type that sums over elements are done in.
constexpr Dtype real_of(Dtype dtype) { return dtype == Dtype::f64 ? Dtype::f64 : Dtype::f32; }

// The half types as words: 1 bit of sign, then 5 or 8 of exponent and 10 or 7 of fraction. All of it selects and sums
// of whole words, so that loops over it become vectors, and nothing that depends on how subnormals are treated.
struct Float16 {
  HD static float decode(std::uint16_t word) {
    const std::uint32_t size = word & 0x7fffu, sign = std::uint32_t(word & 0x8000u) << 16;
    const std::uint32_t normal = (size << 13) + (112u << 23);  // 112: between the exponents' biases
    const std::uint32_t subnormal = to_bits(float(std::int32_t(size)) * 0x1p-24f);  // exact
    const std::uint32_t wide = size < 0x0400u ? subnormal : size < 0x7c00u ? normal : normal + (112u << 23);
    return from_bits<float>(wide | sign);
  }
  /// To nearest, ties to even.
  HD static std::uint16_t encode(float x) {
    const std::uint32_t bits = to_bits(x), size = bits & 0x7fffffffu;
    const std::uint32_t normal = (size - (112u << 23) + 0xfffu + (size >> 13 & 1)) >> 13;
    // The sum with 1/2 has its last place where a subnormal has it.
    const std::uint32_t subnormal = to_bits(from_bits<float>(size) + 0.5f) - to_bits(0.5f);
    const std::uint32_t special = size > 0x7f800000u ? 0x7e00u : 0x7c00u;
    const std::uint32_t word = size >= 0x47800000u ? special : size < 0x38800000u ? subnormal : normal;
    return std::uint16_t(word | bits >> 31 << 15);
  }
};

struct Bfloat16 {
  HD static float decode(std::uint16_t word) { return from_bits<float>(std::uint32_t(word) << 16); }
  /// To nearest, ties to even.
  HD static std::uint16_t encode(float x) { return rounded(x, 0x7fffu + (to_bits(x) >> 16 & 1)); }
  /// Up or down by chance, right in the mean; chance: uniform in 16 bits.
  HD static std::uint16_t encode(float x, std::uint32_t chance) { return rounded(x, chance); }

 private:
  // up: less than 2^16, so that infinity, whose last 16 bits are 0, stays; a nan might not.
  HD static std::uint16_t rounded(float x, std::uint32_t up) {
    const std::uint32_t bits = to_bits(x);
    return std::uint16_t((x != x ? bits | 0x00400000u : bits + up) >> 16);
  }
};

}  // namespace gs
