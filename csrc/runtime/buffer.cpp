#include "runtime/buffer.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "runtime/lasting.hpp"

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

#if defined(__linux__)
constexpr std::size_t page = std::size_t(1) << 16;  // or a part of it

// How much of it is in huge pages: not an end that would leave much of its page unused.
std::size_t in_huge_pages(std::size_t bytes) {
  const std::size_t end = bytes % huge_page, whole = bytes - end;
  return end > 0 && huge_page - end <= std::max(bytes / 32, huge_page / 8) ? whole + huge_page : whole;
}

std::size_t mapped(std::size_t bytes) { return std::max(in_huge_pages(bytes), rounded(bytes, page)); }
#endif

}  // namespace

std::size_t size_of_lasting(std::size_t bytes) {
#if defined(__linux__)
  if (bytes >= huge_page / 16 * 7 && bytes < huge_page) return huge_page;
#endif
  return bytes;
}

void* allocate(std::size_t bytes) {
  if (bytes > PTRDIFF_MAX / 2) throw std::bad_alloc();
#if defined(__linux__)
  if (is_large(bytes)) {
    // Fresh pages are zero already, and written only when a step writes them. Taken with room to begin on a huge page.
    const std::size_t size = mapped(bytes), with_room = size + huge_page;
    void* const taken = mmap(nullptr, with_room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (taken == MAP_FAILED) throw std::bad_alloc();
    char* const begin = static_cast<char*>(taken);
    const std::size_t before = (huge_page - reinterpret_cast<std::uintptr_t>(begin) % huge_page) % huge_page;
    if (before) munmap(begin, before);
    if (before != huge_page) munmap(begin + before + size, with_room - before - size);
    if (const std::size_t huge = in_huge_pages(bytes)) madvise(begin + before, huge, MADV_HUGEPAGE);
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
    munmap(memory, mapped(bytes));
    return;
  }
#endif
  std::free(memory);
}

}  // namespace gs
