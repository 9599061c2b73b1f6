// The elements of a parameter and of its gradient where they lie side by side.
#pragma once

#include <algorithm>
#include <cstddef>

#include "update/block_update.hpp"
#include "update/optimizer.hpp"

namespace gs {

/// What is done to a slice. The loops over arrays with gaps are compiled once, not for each.
struct SliceWork {
  template <class Work>
  explicit SliceWork(const Work& work)
      : context(&work),
        call([](const void* held, const ParamSlice& slice) { (*static_cast<const Work*>(held))(slice); }) {}
  void operator()(const ParamSlice& slice) const { call(context, slice); }

  const void* const context;
  void (*const call)(const void* context, const ParamSlice& slice);
};

/// As `visit`, where the parameter or its gradient has gaps.
void visit_with_gaps(const ParamGrad& m, bool back, std::size_t begin, std::size_t end, const SliceWork& work);

// Elements [begin, end) of an array: visit(address of the first, position, count) for runs side by side.
template <class Visit>
void straighten(const Layout& layout, const std::byte* data, std::size_t item, std::size_t begin, std::size_t end,
                Visit visit) {
  if (layout.contiguous) return visit(data + begin * item, begin, end - begin);
  alignas(64) std::byte copy[block * sizeof(double)];
  for (std::size_t stop; begin < end; begin = stop) {
    stop = std::min(begin + block, end);
    gather(layout, data, item, begin, stop, copy);
    visit(copy, begin, stop - begin);
  }
}

// Elements [begin, end) of one parameter: work(slice) for runs side by side; back: what it writes to w is put back.
template <class Work> void visit(const ParamGrad& m, bool back, std::size_t begin, std::size_t end, const Work& work) {
  const Parameter& p = *m.parameter;
  if (!p.layout.contiguous || !m.layout->contiguous) return visit_with_gaps(m, back, begin, end, SliceWork(work));
  work(ParamSlice{p.data + begin * item_size(p.dtype), p.dtype, m.gradient + begin * item_size(m.dtype), m.dtype,
                  p.state.data(), p.scales.data(), begin, end - begin, p.number});
}

}  // namespace gs
