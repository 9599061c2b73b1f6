// Setting random numbers to zero.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/isa.hpp"

namespace gs {

/// Which numbers are kept. Row r of a data set, in pass number `pass`, has 32-bit random numbers of its own, one for
/// each column; a number is kept where its own is at least `threshold`, and multiplied by `scale`.
struct Draw {
  std::uint64_t key;
  std::uint32_t pass, threshold;
  double scale;
};

/// x (count, n), in place; ids (count): the rows of the data set that they are.
using Drop = void (*)(void* x, std::size_t count, std::size_t n, const std::int64_t* ids, const Draw& draw);

struct DropTable {
  Drop drop[2];  // [dtype]
};

template <class Isa> const DropTable& drop_table() noexcept;

}  // namespace gs
