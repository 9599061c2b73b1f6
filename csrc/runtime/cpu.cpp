#include "runtime/cpu.hpp"

#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace gs {
namespace {

#if defined(__x86_64__)
/// By the leaf of `cpuid` that lists caches, one a subleaf: Intel's, or AMD's in the same form.
void ask_cpuid(unsigned leaf, CacheSizes& found) {
  for (unsigned k = 0; k < 16; ++k) {
    unsigned a, b, c, d;
    if (!__get_cpuid_count(leaf, k, &a, &b, &c, &d) || (a & 31) == 0) return;
    if ((a & 31) == 2) continue;  // of instructions
    const unsigned level = a >> 5 & 7;
    const std::size_t ways = (b >> 22) + 1, parts = (b >> 12 & 1023) + 1, line = (b & 4095) + 1;
    const std::size_t size = ways * parts * line * (std::size_t(c) + 1);
    (level == 1 ? found.l1 : level == 2 ? found.l2 : found.l3) = size;
  }
}
#endif

CacheSizes find_cache_sizes() {
  CacheSizes found{0, 0, 0};
#if defined(__x86_64__)
  ask_cpuid(4, found);
  if (found.l1 == 0) ask_cpuid(0x8000001D, found);
#endif
#if defined(_SC_LEVEL1_DCACHE_SIZE)
  const auto ask = [](int name, std::size_t& size) {
    if (const long said = sysconf(name); size == 0 && said > 0) size = std::size_t(said);
  };
  ask(_SC_LEVEL1_DCACHE_SIZE, found.l1);
  ask(_SC_LEVEL2_CACHE_SIZE, found.l2);
  ask(_SC_LEVEL3_CACHE_SIZE, found.l3);
#endif
  if (found.l1 == 0) found.l1 = std::size_t(1) << 15;
  if (found.l2 == 0) found.l2 = std::size_t(1) << 19;
  if (found.l3 == 0) found.l3 = found.l2;
  return found;
}

}  // namespace

const CacheSizes& cache_sizes() {
  static const CacheSizes sizes = find_cache_sizes();
  return sizes;
}

bool cpu_has(std::string_view isa) {
#if defined(__x86_64__)
  // Feature by feature: compilers before GCC 12 do not know the names of the levels. Each line implies the ones above.
  __builtin_cpu_init();
  const bool v2 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
  const bool v3 = v2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                  __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512vl");
  if (isa == "x86-64-v2") return v2;
  if (isa == "x86-64-v3") return v3;
  if (isa == "x86-64-v4") return v4;
#endif
  return isa == "base";
}

}  // namespace gs
