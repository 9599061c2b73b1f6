// How much room loops need that hold all of a rule's state in the first cache.
#pragma once

#include <cstddef>

#include "optimizers/all.hpp"

namespace gs {

template <class... Rules> constexpr std::size_t most_slots_of(TypeList<Rules...>) {
  std::size_t most = 1;
  ((most = Rules::slots.size() > most ? Rules::slots.size() : most), ...);
  return most;
}
/// The most slots that one of the rules has.
inline constexpr std::size_t most_slots = most_slots_of(Optimizers{});

}  // namespace gs
