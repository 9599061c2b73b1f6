// Whether tensors that a step writes have memory in common, with each other or with a gradient.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "bindings/arrays/tensor_view.hpp"

namespace gs {

/// A tensor of a parameter group.
struct Owner {
  std::size_t group, position;
};

class Extents {
 public:
  /// Which memory of an owner: the tensor itself; a slot of its state, from 0; its numbers, from first_counter down.
  static constexpr int parameter = -1, first_counter = -2;

  struct Extent {
    const std::byte *first, *last;
    const Layout* layout;  // null: in C order
    std::size_t item;
    Owner owner;
    int which;
  };
  using Name = std::function<std::string(const Owner&, int which)>;

  /// Forgets all. What does not change from step to step is sorted once.
  void begin();
  /// layout: of one that is not in C order; it must stay where it is.
  void add_written(const TensorView& view, const Layout* layout, const Owner& owner, int which);
  void add_gradient(const TensorView& view, const Layout* layout, const Owner& owner);
  /// Throws ValueError if two that are written overlap, or a gradient and one of them. name: for the error.
  void check(const Name& name);

 private:
  void sort(const Name& name);

  std::vector<Extent> written_, gradients_, sorted_;
  std::vector<Extent> last_;  // what sorted_ was made of
  std::size_t longest_ = 0;   // in bytes: how far back an overlap can begin
};

}  // namespace gs
