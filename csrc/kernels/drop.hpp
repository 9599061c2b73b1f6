// Random numbers for the elements of rows: setting some to zero, and normal noise.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/isa.hpp"

namespace gs {

/// What is drawn. Row r of a data set, in pass number `pass`, has 32 random bits of its own for each column.
struct Draw {
  std::uint64_t key;
  std::uint32_t pass;
  std::uint32_t threshold;  // drop: a number is kept where its bits are at least this
  double scale;             // drop: and multiplied by this; noise: the standard deviation
};

/// x (count, n), in place; ids (count): the rows of the data set that they are.
using Drop = void (*)(void* x, std::size_t count, std::size_t n, const std::int64_t* ids, const Draw& draw);

struct DropTable {
  Drop drop[2];      // [dtype]: x times 0 or scale
  Drop add[2];       // x + scale z, z standard normal
  Drop multiply[2];  // x (1 + scale z)
};

template <class Isa> const DropTable& drop_table() noexcept;

}  // namespace gs
