#include "update/visit.hpp"

namespace gs {

void visit_with_gaps(const ParamGrad& m, bool back, std::size_t begin, std::size_t end, const SliceWork& work) {
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
