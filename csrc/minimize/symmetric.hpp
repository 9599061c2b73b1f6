// Symmetric matrices, of which one triangle is kept.
#pragma once

#include <cstddef>

#include "kernels/minimize/symmetric.hpp"
#include "minimize/vector.hpp"

namespace gs::minimize {

/// A symmetric matrix A (n, n): its diagonal, and the rows of the triangle below it.
class Symmetric {
 public:
  explicit Symmetric(std::size_t n);

  void set_identity();
  void scale(double factor);
  /// y = scale * A x; gives w . y.
  double multiply(const Vector& x, double scale, const Vector& w, const Vector& y);
  /// Both products at once.
  void multiply(const Vector& x1, const Vector& x2, const Vector& y1, const Vector& y2);
  /// A += s u' + u s', when it is read next: the sweep of a product makes it on its way. s and u must stay as they are.
  void add(const Vector& s, const Vector& u);
  /// Makes what `add` has left to be made.
  void settle();

  /// Of a matrix that is settled.
  double get(std::size_t i, std::size_t j) const { return at(i, j); }
  /// The element there and at its mirror image.
  void set(std::size_t i, std::size_t j, double value) { at(i, j) = value; }

  const std::size_t n;

 private:
  double& at(std::size_t i, std::size_t j) const {
    return i == j ? diagonal_[i] : i > j ? below_[triangle_begin(i) + j] : below_[triangle_begin(j) + i];
  }
  /// The first row of a block of whole groups; blocks have about as many elements.
  std::size_t first_row(std::size_t block) const;
  /// work(rows, block) for each block.
  template <class Work> void each_block(const Work& work);
  /// `count` vectors y, each the sum over the blocks of what work(rows, parts of y) adds to zeros.
  template <class Work> void sum_blocks(int count, const Vector* const* y, const Work& work);

  Vectors triangle_, column_, partial_;  // pools
  const std::size_t groups_, blocks_;    // what is cut in blocks depends on n alone
  const Vector below_, diagonal_, parts_;
  Vector s_, u_;  // of an update that is to be made; both or none
};

}  // namespace gs::minimize
