// The elements of a parameter and of its gradient where they lie side by side.
#pragma once

#include <algorithm>
#include <cstddef>

#include "update/block_update.hpp"
#include "update/optimizer.hpp"

namespace gs {

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
template <class Work> void visit(const ParamGrad& m, bool back, std::size_t begin, std::size_t end, Work work) {
  const Parameter& p = *m.parameter;
  const std::size_t w_item = item_size(p.dtype);
  straighten(*m.layout, m.gradient, item_size(m.dtype), begin, end,
             [&](const std::byte* g, std::size_t at, std::size_t n) {
               ParamSlice slice{nullptr, p.dtype, g, m.dtype, p.state.data(), p.scales.data(), at, n, p.number};
               if (p.layout.contiguous) {
                 slice.w = p.data + at * w_item;
                 return work(slice);
               }
               alignas(64) std::byte copy[block * sizeof(double)];
               slice.w = copy;
               for (std::size_t done = 0; done < n; done += slice.n) {
                 slice.at = at + done;
                 slice.n = std::min(block, n - done);
                 gather(p.layout, p.data, w_item, slice.at, slice.at + slice.n, copy);
                 slice.g = g + done * item_size(m.dtype);
                 work(slice);
                 if (back) scatter(p.layout, p.data, w_item, slice.at, slice.at + slice.n, copy);
               }
             });
}

}  // namespace gs
