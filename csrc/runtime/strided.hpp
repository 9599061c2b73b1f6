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

namespace strided {

template <class T>
void gather(const Layout& layout, const std::byte* array, std::size_t begin, std::size_t end, std::byte* out) {
  T* to = reinterpret_cast<T*>(out);
  layout.runs(begin, end, [&](std::size_t, std::int64_t offset, std::size_t count, std::int64_t stride) {
    for (std::size_t i = 0; i < count; ++i)
      *to++ = *reinterpret_cast<const T*>(array + offset + std::int64_t(i) * stride);
  });
}

template <class T>
void scatter(const Layout& layout, std::byte* array, std::size_t begin, std::size_t end, const std::byte* in) {
  const T* from = reinterpret_cast<const T*>(in);
  layout.runs(begin, end, [&](std::size_t, std::int64_t offset, std::size_t count, std::int64_t stride) {
    for (std::size_t i = 0; i < count; ++i) *reinterpret_cast<T*>(array + offset + std::int64_t(i) * stride) = *from++;
  });
}

/// Words of the size of an item: what they mean does not matter here. Read and written as words that may be anything.
using Word16 [[gnu::may_alias]] = std::uint16_t;
using Word32 [[gnu::may_alias]] = std::uint32_t;
using Word64 [[gnu::may_alias]] = std::uint64_t;

}  // namespace strided

// array (layout) of items of 2, 4 or 8 bytes, elements [begin, end) -> out (end - begin)
inline void gather(const Layout& layout, const std::byte* array, std::size_t item, std::size_t begin, std::size_t end,
                   std::byte* out) {
  if (item == 8) return strided::gather<strided::Word64>(layout, array, begin, end, out);
  if (item == 4) return strided::gather<strided::Word32>(layout, array, begin, end, out);
  strided::gather<strided::Word16>(layout, array, begin, end, out);
}

// in (end - begin) -> array (layout), elements [begin, end)
inline void scatter(const Layout& layout, std::byte* array, std::size_t item, std::size_t begin, std::size_t end,
                    const std::byte* in) {
  if (item == 8) return strided::scatter<strided::Word64>(layout, array, begin, end, in);
  if (item == 4) return strided::scatter<strided::Word32>(layout, array, begin, end, in);
  strided::scatter<strided::Word16>(layout, array, begin, end, in);
}

}  // namespace gs
