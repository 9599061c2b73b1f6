// Lookahead: weights that go part of the way that an optimizer went.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/threads.hpp"
#include "update/optimizer.hpp"

namespace gs {

/// An array, and where its walk began: in C order, float64 for a float64 array, else float32.
struct SlowWeight {
  const Parameter* fast;
  void* slow;
};

/// slow <- slow + part (fast - slow), fast <- slow.
void meet(const std::vector<SlowWeight>& weights, double part, ThreadTeam* team);

struct Lookahead {
  std::vector<const Optimizer*> optimizers;  // whose steps it counts
  std::vector<SlowWeight> weights;
  std::int64_t period;
  double part;

  /// Steps taken, by the optimizer that took most.
  std::int64_t steps() const;
};

}  // namespace gs
