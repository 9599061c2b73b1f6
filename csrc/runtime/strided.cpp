#include "runtime/strided.hpp"

namespace gs {
namespace {

template <class Word>
void gather_words(const Layout& layout, const std::byte* array, std::size_t begin, std::size_t end, std::byte* out) {
  Word* to = reinterpret_cast<Word*>(out);
  layout.runs(begin, end, [&](std::size_t, std::int64_t offset, std::size_t count, std::int64_t stride) {
    for (std::size_t i = 0; i < count; ++i)
      *to++ = *reinterpret_cast<const Word*>(array + offset + std::int64_t(i) * stride);
  });
}

template <class Word>
void scatter_words(const Layout& layout, std::byte* array, std::size_t begin, std::size_t end, const std::byte* in) {
  const Word* from = reinterpret_cast<const Word*>(in);
  layout.runs(begin, end, [&](std::size_t, std::int64_t offset, std::size_t count, std::int64_t stride) {
    for (std::size_t i = 0; i < count; ++i)
      *reinterpret_cast<Word*>(array + offset + std::int64_t(i) * stride) = *from++;
  });
}

/// Words of the size of an item: what they mean does not matter here. Read and written as words that may be anything.
using Word16 [[gnu::may_alias]] = std::uint16_t;
using Word32 [[gnu::may_alias]] = std::uint32_t;
using Word64 [[gnu::may_alias]] = std::uint64_t;

}  // namespace

void gather(const Layout& layout, const std::byte* array, std::size_t item, std::size_t begin, std::size_t end,
            std::byte* out) {
  if (item == 8) return gather_words<Word64>(layout, array, begin, end, out);
  if (item == 4) return gather_words<Word32>(layout, array, begin, end, out);
  gather_words<Word16>(layout, array, begin, end, out);
}

void scatter(const Layout& layout, std::byte* array, std::size_t item, std::size_t begin, std::size_t end,
             const std::byte* in) {
  if (item == 8) return scatter_words<Word64>(layout, array, begin, end, in);
  if (item == 4) return scatter_words<Word32>(layout, array, begin, end, in);
  scatter_words<Word16>(layout, array, begin, end, in);
}

}  // namespace gs
