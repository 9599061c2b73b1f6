// Arrays whose elements do not lie side by side: moved block by block to and from memory where they do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace gs {

/// Shape and strides (in bytes, any sign) of an array; elements count in C order.
struct Layout {
  std::vector<std::int64_t> shape, strides;
  std::size_t size = 1;
  bool contiguous = true;  // in C order, as one run

  /// Offset in bytes of element i.
  std::int64_t offset(std::size_t i) const {
    std::int64_t bytes = 0;
    for (std::size_t d = shape.size(); d-- > 0;) {
      bytes += std::int64_t(i % std::size_t(shape[d])) * strides[d];
      i /= std::size_t(shape[d]);
    }
    return bytes;
  }

  /// Calls visit(element, offset in bytes, count, stride in bytes) for runs along the last axis covering [begin, end).
  template <class Visit> void runs(std::size_t begin, std::size_t end, Visit visit) const {
    const std::size_t width = shape.empty() ? 1 : std::size_t(shape.back());
    const std::int64_t stride = strides.empty() ? 0 : strides.back();
    while (begin < end) {
      const std::size_t left = width - begin % width;
      const std::size_t count = left < end - begin ? left : end - begin;
      visit(begin, offset(begin), count, stride);
      begin += count;
    }
  }
};

/// array (layout) of items of 2, 4 or 8 bytes, elements [begin, end) -> out (end - begin)
void gather(const Layout& layout, const std::byte* array, std::size_t item, std::size_t begin, std::size_t end,
            std::byte* out);

/// in (end - begin) -> array (layout), elements [begin, end)
void scatter(const Layout& layout, std::byte* array, std::size_t item, std::size_t begin, std::size_t end,
             const std::byte* in);

}  // namespace gs
