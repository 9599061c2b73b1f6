#include "runtime/buffer.hpp"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace gs {
namespace {

constexpr std::size_t huge_page = std::size_t(1) << 21;

// Below this, huge pages would waste more memory than they save time.
bool is_large([[maybe_unused]] std::size_t bytes) {
#if defined(__linux__)
  return bytes >= huge_page / 2;
#else
  return false;
#endif
}

std::size_t rounded(std::size_t bytes, std::size_t step) { return (bytes / step + 1) * step; }

}  // namespace

void* allocate(std::size_t bytes) {
  if (bytes > PTRDIFF_MAX / 2) throw std::bad_alloc();
#if defined(__linux__)
  if (is_large(bytes)) {
    // Fresh pages are zero already, and written only when a step writes them. Taken with room to begin on a huge page.
    const std::size_t size = rounded(bytes, huge_page), with_room = size + huge_page;
    void* const taken = mmap(nullptr, with_room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (taken == MAP_FAILED) throw std::bad_alloc();
    char* const begin = static_cast<char*>(taken);
    const std::size_t before = (huge_page - reinterpret_cast<std::uintptr_t>(begin) % huge_page) % huge_page;
    if (before) munmap(begin, before);
    if (before != huge_page) munmap(begin + before + size, with_room - before - size);
    madvise(begin + before, size, MADV_HUGEPAGE);
    return begin + before;
  }
#endif
  const std::size_t size = rounded(bytes, alignment);
  void* const memory = std::aligned_alloc(alignment, size);
  if (!memory) throw std::bad_alloc();
  return std::memset(memory, 0, size);
}

void release(void* memory, std::size_t bytes) noexcept {
#if defined(__linux__)
  if (memory && is_large(bytes)) {
    munmap(memory, rounded(bytes, huge_page));
    return;
  }
#endif
  std::free(memory);
}

}  // namespace gs
