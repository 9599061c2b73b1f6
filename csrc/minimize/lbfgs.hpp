// L-BFGS: BFGS from the last m steps alone.
//
// Liu and Nocedal 1989, "On the limited memory BFGS method for large scale optimization", Math. Programming 45.
// Byrd, Nocedal and Schnabel 1994, "Representations of quasi-Newton matrices and their use in limited memory methods",
// Math. Programming 63.
#pragma once

#include <vector>

#include "minimize/line_search.hpp"
#include "runtime/buffer.hpp"

namespace gs::minimize {

/// The last m pairs of a step s and the change y of the gradient along it, and products with their matrix H.
///
/// With S and Y as their columns, R the upper triangle of S'Y and D its diagonal, the two loops over the pairs solve
/// R a = S'g and R'c = D a - Y'q, where q = gamma (g - Y a), and H g = q + S c. The inverse of R is kept: a new pair
/// adds a column to it, and the oldest takes its row and column along when it goes. So the sums over n have no order
/// among them, and there are three sweeps over pairs in place of four.
class Memory {
 public:
  /// The last m of n numbers each.
  Memory(std::size_t n, std::size_t m);

  std::size_t count() const { return pairs_.size(); }
  void clear();
  /// Keeps a pair, unless there is no measurable curvature in it; whether it does.
  bool add(const Vector& s, const Vector& y, const Change& change);
  /// d = -H g: 4 m n multiplications. Gives g . d.
  double direction(const Vector& g, const Vector& d);

  struct Pair {
    Vector s, y;
    double ys;
  };
  /// The i-th of them, the oldest first.
  const Pair& pair(std::size_t i) const { return pairs_[slot(i)]; }
  double gamma = 1;  // the first H is gamma times the identity

 private:
  std::size_t slot(std::size_t i) const {
    const std::size_t at = first_ + i;
    return at < pairs_.size() ? at : at - pairs_.size();
  }
  double direction(const Vector& g, const Vector& d, ThreadTeam* team);
  double direction_of_few(const Vector& g, const Vector& d);
  double by_two_loops(const Vector& g, const Vector& d, ThreadTeam* team);
  /// Where vectors lie, the oldest pair's first.
  const double* const* in_order(const std::vector<const double*>& list) const { return list.data() + first_; }
  void add_column(std::size_t i, const double* products);
  void end_column(std::size_t at, double rho);
  /// Numbers of pairs by their slots -> the same, the oldest pair's first; they are written again behind themselves.
  const double* by_age(double* numbers) const;

  const std::size_t n_, size_, most_;
  std::vector<Pair> pairs_;  // a ring, once it is full
  std::size_t first_ = 0;    // the oldest

  // The inverse of R: its column of a pair lies at the pair's slot, with the numbers of other pairs at theirs; and the
  // same by rows. The first known_ pairs have theirs.
  const std::size_t height_;
  Buffer<double> columns_, rows_, numbers_;
  std::size_t known_ = 0;
  // Where they lie, by slots, and once more behind that: the oldest first is a part of it.
  std::vector<const double*> s_, y_, column_of_, row_of_;
  std::vector<double> a_, c_, sums_;

  // Where vectors are so short that their sums take longer to end than to make: the numbers of all s, and of all y, by
  // rows of one for each slot, and y's by slots.
  Buffer<double> across_s_, across_y_, ys_;
  std::vector<const double*> across_s_rows_, across_y_rows_;
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
