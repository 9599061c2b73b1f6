// SAM: the neighbour uphill that a gradient is taken at, and the way back.
#pragma once

#include <cstddef>
#include <vector>

#include "runtime/buffer.hpp"
#include "runtime/threads.hpp"
#include "update/numbers.hpp"
#include "update/optimizer.hpp"

namespace gs {

/// Root of the sum of squares, in double, of gradients; by_weights: each of their numbers times its weight. None may be
/// row-sparse. The same bits for any number of threads.
double norm(const std::vector<ParamGrad>& grads, bool by_weights, ThreadTeam* team);

/// w <- w + rho g / |g|, all parameters together; adaptive: w + rho w^2 g / |w g|. Nothing moves where the norm is 0.
void climb(const std::vector<ParamGrad>& grads, double rho, bool adaptive, ThreadTeam* team);

/// Parameters that go to their neighbour and come back. They must stay where they lie.
class Neighbour {
 public:
  /// Those whose gradients will be there.
  void take(std::vector<ParamGrad> grads);
  /// As the function.
  void climb(double rho, bool adaptive, ThreadTeam* team);
  /// Puts them back, to the bit.
  void come_back(ThreadTeam* team) const;

 private:
  void copy(const ArrayChunk& chunk, bool back) const;
  std::vector<ParamGrad> grads_;
  std::vector<ArrayChunk> chunks_;
  std::vector<std::byte*> origins_;  // (gradient), in memory_
  Buffer<std::byte> memory_;
};

}  // namespace gs
