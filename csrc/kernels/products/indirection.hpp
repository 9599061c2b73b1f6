// A matrix by pointers to its rows (an indirection buffer), which need not lie side by side: the rows of a batch where
// they lie in a data set.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/portable.hpp"

namespace gs {

/// What the numbers of a data set may be; or its rows sparse, of which each has the int64 number of its first entry.
enum class Source { f32, f64, u8, i32, i64, sparse };
template <class T>
constexpr Source source_of = sizeof(T) == 1   ? Source::u8
                             : sizeof(T) == 4 ? Source::f32
                                              : Source::f64;
constexpr std::size_t item_size(Source source) {
  return source == Source::u8 ? 1 : source == Source::f32 || source == Source::i32 ? 4 : 8;
}

/// Bytes from one row of n numbers to the next.
constexpr std::size_t row_size(Source source, std::size_t n) {
  return (source == Source::sparse ? 1 : n) * item_size(source);
}

/// Rows whose numbers stand for scale * number + offset.
struct IndirectionBuffer {
  const void* const* at = nullptr;
  Source source = Source::f32;
  double scale = 1, offset = 0;

  /// Whether they can be read where they lie as Real.
  template <class Real> HD bool is_plain() const { return source == source_of<Real> && scale == 1 && offset == 0; }
};

}  // namespace gs
