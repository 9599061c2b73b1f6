// Elements of an array of any type and strides, as float or double that lie side by side.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

#include "runtime/dispatch.hpp"
#include "runtime/strided.hpp"
#include "runtime/threads.hpp"
#include "update/block_update.hpp"
#include "update/chunks.hpp"

namespace gs {

/// Real: float, or double of an array of doubles.
template <class Real> class Numbers {
 public:
  Numbers(Dtype dtype, const Layout& layout, const std::byte* data)
      : dtype_(dtype), layout_(layout), data_(const_cast<std::byte*>(data)) {}

  /// Whether they lie side by side as they are.
  bool in_place() const { return dtype_ == real && layout_.contiguous; }

  /// Elements [begin, begin + n), at most a block unless in place: where they lie, or in `copy`.
  Real* read(std::size_t begin, std::size_t n, Real* copy) const {
    if (in_place()) return reinterpret_cast<Real*>(data_) + begin;
    const std::size_t item = item_size(dtype_);
    alignas(64) std::byte apart[block * sizeof(double)];
    const std::byte* from = data_ + begin * item;
    if (!layout_.contiguous) {
      gather(layout_, data_, item, begin, begin + n, apart);
      from = apart;
    }
    if (dtype_ == real)
      std::memcpy(copy, from, n * item);
    else
      decode(dtype_, from, copy, n);
    return copy;
  }

  /// Puts what was read, and changed, back.
  void write(std::size_t begin, std::size_t n, const Real* copy) const {
    if (in_place()) return;
    const std::size_t item = item_size(dtype_);
    alignas(64) std::byte apart[block * sizeof(double)];
    if constexpr (real == Dtype::f32)
      if (dtype_ != real) half_codec(dtype_).from_float(copy, apart, n);
    if (dtype_ == real) std::memcpy(apart, copy, n * item);
    if (layout_.contiguous)
      std::memcpy(data_ + begin * item, apart, n * item);
    else
      scatter(layout_, data_, item, begin, begin + n, apart);
  }

 private:
  static constexpr Dtype real = Dtype(dtype_of<Real>());
  const Dtype dtype_;
  const Layout& layout_;
  std::byte* const data_;
};

/// Part of one of several arrays.
struct ArrayChunk {
  std::size_t array, begin, end;
};

/// Arrays of these sizes in chunks, which depend on nothing else.
inline std::vector<ArrayChunk> chunks_of(const std::vector<std::size_t>& sizes) {
  std::vector<ArrayChunk> chunks;
  for (std::size_t k = 0; k < sizes.size(); ++k)
    for (std::size_t begin = 0; begin < sizes[k]; begin += chunk_size)
      chunks.push_back({k, begin, std::min(begin + chunk_size, sizes[k])});
  return chunks;
}

/// work(i) for each of n chunks, in any order, on any thread of the team; without one on this thread.
template <class Work> void each_chunk(std::size_t n, ThreadTeam* team, Work work) {
  if (team) return team->stage(n, [&](std::size_t i, int) { work(i); });
  for (std::size_t i = 0; i < n; ++i) work(i);
}

}  // namespace gs
