// Random numbers by counter: each is a function of a key and of where it is used, so that any number can be drawn on
// any thread, in any order, and again.
#pragma once

#include <array>
#include <cstdint>

#include "core/portable.hpp"

namespace gs {

/// Philox4x32-10, Salmon et al. 2011, doi:10.1145/2063384.2063405: four numbers of 32 bits for each counter and key.
HD std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::uint64_t key) {
  auto k0 = std::uint32_t(key), k1 = std::uint32_t(key >> 32);
  auto [c0, c1, c2, c3] = counter;
#pragma GCC unroll 10
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t(0xD2511F53u) * c0, b = std::uint64_t(0xCD9E8D57u) * c2;
    c0 = std::uint32_t(b >> 32) ^ c1 ^ k0;
    c1 = std::uint32_t(b);
    c2 = std::uint32_t(a >> 32) ^ c3 ^ k1;
    c3 = std::uint32_t(a);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return {c0, c1, c2, c3};
}

}  // namespace gs
