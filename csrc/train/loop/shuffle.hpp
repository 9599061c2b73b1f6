// The order of the rows of a pass over data.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace gs {

/// What an order follows from: a seed and the stream that one consumer reads of it, the number of the pass, and which
/// part of the data the rows are, if it is shuffled in parts.
struct ShuffleKey {
  std::uint64_t seed, stream, number, part;

  bool operator==(const ShuffleKey& other) const {
    return seed == other.seed && stream == other.stream && number == other.number && part == other.part;
  }
};

/// 0 to rows - 1 in a random order: Fisher and Yates's shuffle by numbers of Philox4x64-10, with the key (seed, stream)
/// and from the counter (0, 0, part, number) on. The order that NumPy's Generator(Philox) makes of them.
std::vector<std::int64_t> shuffled(const ShuffleKey& key, std::size_t rows);

}  // namespace gs
