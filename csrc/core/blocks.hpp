// Cutting a length into blocks.
#pragma once

#include <cstddef>

#include "core/portable.hpp"

namespace gs {

/// n in as few blocks as can be of at most `most`, of nearly equal size: 32 in blocks of 6 is 6, 6, 5, 5, 5, 5.
struct Blocks {
  std::size_t n, count;

  HD Blocks(std::size_t n, std::size_t most) : n(n), count((n + most - 1) / most) {}
  HD std::size_t begin(std::size_t block) const {
    const std::size_t longer = n % count;
    return n / count * block + (block < longer ? block : longer);
  }
  HD std::size_t size(std::size_t block) const { return n / count + (block < n % count); }
};

}  // namespace gs
