// Cutting a length into parts.
#pragma once

#include <cstddef>

#include "core/portable.hpp"

namespace gs {

/// n in as few parts as can be of at most `most`, of nearly equal size: 32 in parts of 6 is 6, 6, 5, 5, 5, 5.
struct Parts {
  std::size_t n, count;

  HD Parts(std::size_t n, std::size_t most) : n(n), count((n + most - 1) / most) {}
  HD std::size_t begin(std::size_t part) const {
    const std::size_t longer = n % count;
    return n / count * part + (part < longer ? part : longer);
  }
  HD std::size_t size(std::size_t part) const { return n / count + (part < n % count); }
};

}  // namespace gs
