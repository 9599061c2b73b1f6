// L-BFGS: BFGS from the last m steps alone.
//
// Liu and Nocedal 1989, "On the limited memory BFGS method for large scale optimization", Math. Programming 45.
#pragma once

#include <vector>

#include "minimize/line_search.hpp"

namespace gs::minimize {

/// The last m pairs of a step s and the change y of the gradient along it, and products with their matrix H.
class Memory {
 public:
  explicit Memory(std::size_t m) : most_(m) {}

  std::size_t count() const { return pairs_.size(); }
  void clear() {
    pairs_.clear();
    gamma = 1;
  }
  /// Keeps a pair, unless there is no measurable curvature in it; whether it does.
  bool add(const Vector& s, const Vector& y, const Change& change);
  /// d = -H g, by the two loops over the pairs: 4 m n multiplications. Gives g . d.
  double direction(const Vector& g, const Vector& d, std::size_t size) const;

  struct Pair {
    Vector s, y;
    double rho;  // 1 / y's
  };
  /// The i-th of them, the oldest first.
  const Pair& pair(std::size_t i) const { return pairs_[(first_ + i) % pairs_.size()]; }
  double gamma = 1;  // the first H is gamma times the identity

 private:
  const std::size_t most_;
  std::vector<Pair> pairs_;  // a ring, once it is full
  std::size_t first_ = 0;
  mutable std::vector<double> weights_;
};

class LBFGS : public Method {
 public:
  /// trials: the most of a line search.
  LBFGS(Memory& memory, double c1, double c2, int trials = most_trials)
      : memory_(memory), c1_(c1), c2_(c2), trials_(trials) {}
  Point step(Function& function, const Point& point) override;

 private:
  Memory& memory_;
  const double c1_, c2_;
  const int trials_;
};

}  // namespace gs::minimize
