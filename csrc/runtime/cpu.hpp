// What this CPU can do.
#pragma once

#include <cstddef>
#include <string_view>

namespace gs {

/// Whether the CPU and the system support an instruction set, by the name a compiler's -march gives it; "base" always.
bool cpu_has(std::string_view isa);

/// Bytes of the caches that a core reads through; of the usual ones where the CPU does not say.
struct CacheSizes {
  std::size_t l1, l2, l3;
};
/// Found once, at the first call.
const CacheSizes& cache_sizes();

}  // namespace gs
