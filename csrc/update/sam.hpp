// SAM: the neighbour uphill that a gradient is taken at, and the way back.
#pragma once

#include <cstddef>
#include <vector>

#include "runtime/buffer.hpp"
#include "runtime/threads.hpp"
#include "update/optimizer.hpp"

namespace gs {

struct ArrayChunk;

/// Root of the sum of squares, in double, of gradients; by_weights: each of their numbers times its weight. None may be
/// row-sparse. The same bits for any number of threads.
double norm(const std::vector<ParamGrad>& grads, bool by_weights, ThreadTeam* team);

/// w <- w + rho g / |g|, all parameters together; adaptive: w + rho w^2 g / |w g|. Nothing moves where the norm is 0.
void climb(const std::vector<ParamGrad>& grads, double rho, bool adaptive, ThreadTeam* team);

/// Parameters that may be away from where they belong.
class Neighbour {
 public:
  /// As the function. They must be at home, and stay where they lie until they are back.
  void climb(const std::vector<ParamGrad>& grads, double rho, bool adaptive, ThreadTeam* team);
  /// Puts them back, to the bit.
  void come_back(ThreadTeam* team);
  bool is_away() const { return !away_.empty(); }

 private:
  void copy(const ArrayChunk& chunk, bool back) const;
  std::vector<const Parameter*> away_;
  std::vector<std::byte*> origins_;  // (away)
  Buffer<std::byte> memory_;
  std::size_t size_ = 0;  // of the memory
};

}  // namespace gs
