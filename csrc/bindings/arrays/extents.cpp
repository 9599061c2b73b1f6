#include "bindings/arrays/extents.hpp"

#include <algorithm>
#include <cstdint>

#include "bindings/arrays/arrays.hpp"

namespace gs {
namespace {

using Extent = Extents::Extent;

/// An array over the same memory. Its owner is nobody: it lives for a moment.
py::array as_array(const Extent& e) {
  const py::dtype dtype = e.item == 8   ? py::dtype::of<std::uint64_t>()
                          : e.item == 4 ? py::dtype::of<std::uint32_t>()
                                        : py::dtype::of<std::uint16_t>();
  std::vector<py::ssize_t> shape{py::ssize_t(std::size_t(e.last - e.first) / e.item)}, strides{py::ssize_t(e.item)};
  if (e.layout) {
    shape.assign(e.layout->shape.begin(), e.layout->shape.end());
    strides.assign(e.layout->strides.begin(), e.layout->strides.end());
  }
  return py::array(dtype, shape, strides, e.first, py::str("nobody"));
}

bool touch(const Extent& a, const Extent& b) { return a.first < b.last && b.first < a.last; }

bool overlap(const Extent& a, const Extent& b) {
  if (!touch(a, b)) return false;
  return (!a.layout && !b.layout) || overlaps(as_array(a), as_array(b));
}

bool same(const Extent& a, const Extent& b) {
  return a.first == b.first && a.last == b.last && a.layout == b.layout && a.which == b.which &&
         a.owner.group == b.owner.group && a.owner.position == b.owner.position;
}

bool later(const Extent& a, const Extent& b) {
  if (a.owner.group != b.owner.group) return a.owner.group > b.owner.group;
  if (a.owner.position != b.owner.position) return a.owner.position > b.owner.position;
  return a.which != Extents::parameter && (b.which == Extents::parameter || a.which > b.which);
}

}  // namespace

void Extents::begin() {
  written_.clear();
  gradients_.clear();
}

void Extents::add_written(const TensorView& view, const Layout* layout, const Owner& owner, int which) {
  if (view.size() > 0)
    written_.push_back({view.data, view.data + view.span(), layout, item_size(view.dtype), owner, which});
}

void Extents::add_gradient(const TensorView& view, const Layout* layout, const Owner& owner) {
  if (view.size() > 0)
    gradients_.push_back({view.data, view.data + view.span(), layout, item_size(view.dtype), owner, parameter});
}

void Extents::sort(const Name& name) {
  last_.clear();
  sorted_ = written_;
  std::sort(sorted_.begin(), sorted_.end(), [](const Extent& a, const Extent& b) { return a.first < b.first; });
  longest_ = 0;
  for (const Extent& e : sorted_) longest_ = std::max(longest_, std::size_t(e.last - e.first));
  // Sorted by address only neighbours can overlap, so that a thousand tensors are not a million pairs.
  for (std::size_t i = 0; i < sorted_.size(); ++i)
    for (std::size_t j = i + 1; j < sorted_.size() && sorted_[j].first < sorted_[i].last; ++j) {
      if (!overlap(sorted_[i], sorted_[j])) continue;
      const bool in_order = later(sorted_[j], sorted_[i]);
      const Extent &one = sorted_[in_order ? j : i], &other = sorted_[in_order ? i : j];
      throw_overlap(name(one.owner, one.which), name(other.owner, other.which));
    }
  last_ = written_;
}

void Extents::check(const Name& name) {
  if (!std::equal(written_.begin(), written_.end(), last_.begin(), last_.end(), same)) sort(name);
  for (const Extent& g : gradients_) {
    auto it = std::lower_bound(sorted_.begin(), sorted_.end(), g.last,
                               [](const Extent& e, const std::byte* at) { return e.first < at; });
    while (it != sorted_.begin() && (--it)->first + longest_ > g.first) {
      if (!overlap(*it, g)) continue;
      const std::string what = it->which == parameter ? "a parameter" : name(it->owner, it->which);
      throw py::value_error("gradients[" + std::to_string(g.owner.group) + "][" + std::to_string(g.owner.position) +
                            "] must not overlap " + what + ": it would change while it is read.");
    }
  }
}

}  // namespace gs
