// Numbers kept in fewer bits: half types, and state of 8 bits. Over numbers that lie side by side.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/isa.hpp"

namespace gs {

/// Numbers that share a scale where state is int8.
inline constexpr std::size_t scale_block = 256;

/// Where the chance of a rounding comes from: the same for an element in a step, however elements are shared out.
struct Chance {
  std::uint64_t key, step;
  std::uint32_t array;
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
  void (*decode8)(const std::uint8_t* codes, const float* scales, float* out, std::size_t n);
  // in (n) -> codes (n), scales (n / 256, rounded up)
  void (*encode8)(const float* in, std::uint8_t* codes, float* scales, std::size_t n);
};

template <class Isa> const CodecTable& codec_table() noexcept;

}  // namespace gs
