// Memory that values of a pass take one after another.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "graph/schedule.hpp"

namespace gs {

/// A value takes a slot, and gives it back when everything that reads it is in the schedule: the schedule lets whoever
/// writes there next wait for those. Given memory rests for a while first, so that nobody has to wait; but not in
/// inference if it is much, of which jobs have enough to do.
template <class Real> class Slots {
 public:
  explicit Slots(Schedule<Real>& schedule) : schedule_(schedule) {}

  /// rows x columns numbers: in the smallest free slot that holds them, or in new memory.
  Matrix<Real> take(std::size_t rows, std::size_t columns) {
    const std::size_t n = rows * columns;
    Slot* best = nullptr;
    for (Slot& slot : slots_)
      if (slot.rest == 0 && slot.size >= n && (!best || slot.size < best->size)) best = &slot;
    if (!best) {
      // Not all at the same place of a page, where they would throw each other out of the nearest cache.
      const std::size_t apart = slots_.size() % 8 * align<Real>(1);
      slots_.push_back({schedule_.workspace(n + apart) + apart, n, 0});
      best = &slots_.back();
    }
    best->rest = taken;
    return {best->at, rows, columns};
  }

  /// Gives back what was taken; nothing happens to other memory.
  void give(const Real* at) {
    for (Slot& slot : slots_)
      if (slot.at == at) slot.rest = schedule_.training || slot.size < much ? 2 : 0;
  }

  /// Memory of n numbers that nobody will read again is a slot from now on, after some rest.
  void adopt(Real* at, std::size_t n, int rest = 2) { slots_.push_back({at, n, rest}); }

  /// Another node's turn.
  void next() {
    for (Slot& slot : slots_)
      if (slot.rest != taken && slot.rest > 0) --slot.rest;
  }

  static constexpr std::size_t much = (std::size_t(1) << 20) / sizeof(Real);  // numbers

 private:
  static constexpr int taken = -1;
  struct Slot {
    Real* at;
    std::size_t size;
    int rest;  // nodes until it can be taken; or taken
  };
  Schedule<Real>& schedule_;
  std::vector<Slot> slots_;
};

}  // namespace gs
