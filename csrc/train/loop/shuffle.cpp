#include "train/loop/shuffle.hpp"

#include <numeric>
#include <stdexcept>
#include <utility>

namespace gs {
namespace {

__extension__ using Wide = unsigned __int128;

// Salmon et al. 2011, doi:10.1145/2063384.2063405.
std::array<std::uint64_t, 4> philox64(const std::array<std::uint64_t, 4>& counter, std::uint64_t k0, std::uint64_t k1) {
  auto [c0, c1, c2, c3] = counter;
#pragma GCC unroll 10
  for (int round = 0; round < 10; ++round) {
    const Wide a = Wide(0xD2E7470EE14C6C93u) * c0, b = Wide(0xCA5A826395121157u) * c2;
    c0 = std::uint64_t(b >> 64) ^ c1 ^ k0;
    c1 = std::uint64_t(b);
    c2 = std::uint64_t(a >> 64) ^ c3 ^ k1;
    c3 = std::uint64_t(a);
    k0 += 0x9E3779B97F4A7C15u;
    k1 += 0xBB67AE8584CAA73Bu;
  }
  return {c0, c1, c2, c3};
}

/// The generator's numbers as halves of 32 bits, the low one of each first; several blocks at a time, whose rounds run
/// side by side.
class Halves {
 public:
  explicit Halves(const ShuffleKey& key) : key_(key), counter_{0, 0, key.part, key.number} {}

  std::uint64_t next() {
    if (at_ == count) refill();
    return halves_[at_++];
  }

 private:
  static constexpr std::size_t blocks = 4, count = 8 * blocks;

  void refill() {
    std::array<std::uint64_t, 4> drawn[blocks];
    for (std::size_t k = 0; k < blocks; ++k) {
      ++counter_[0];  // 2^64 blocks are never drawn
      drawn[k] = philox64(counter_, key_.seed, key_.stream);
    }
    for (std::size_t i = 0; i < count; ++i) halves_[i] = std::uint32_t(drawn[i / 8][i / 2 % 4] >> (i % 2 * 32));
    at_ = 0;
  }

  const ShuffleKey key_;
  std::array<std::uint64_t, 4> counter_;
  std::uint32_t halves_[count];
  std::size_t at_ = count;
};

}  // namespace

// A number from 0 to i is drawn in as many bits as i has, and again while it is above i: without a branch, which
// nothing could foresee.
std::vector<std::int64_t> shuffled(const ShuffleKey& key, std::size_t rows) {
  if (rows > std::size_t(UINT32_MAX)) throw std::length_error("data of 2^32 rows and more cannot be shuffled.");
  std::vector<std::int64_t> order(rows);
  std::iota(order.begin(), order.end(), 0);
  Halves halves(key);
  std::size_t i = rows > 1 ? rows - 1 : 0, mask = 1;
  while (mask < i) mask = 2 * mask + 1;
  for (; i > 0; mask >>= 1)
    while (i > mask >> 1) {  // numbers of as many bits
      const std::size_t drawn = halves.next() & mask;
      const bool is_fine = drawn <= i;
      std::swap(order[i], order[is_fine ? drawn : i]);
      i -= is_fine;
    }
  return order;
}

}  // namespace gs
