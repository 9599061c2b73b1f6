// Symmetric matrices, of which one triangle is kept.
#pragma once

#include <cstddef>

#include "minimize/vector.hpp"

namespace gs::minimize {

/// A symmetric matrix (n, n): its diagonal, and the rows of the triangle below it.
class Symmetric {
 public:
  explicit Symmetric(std::size_t n);

  void set_identity();
  void scale(double factor);
  /// y = scale * A x; gives w . y.
  double multiply(const Vector& x, double scale, const Vector& w, const Vector& y) const;
  /// A += s u' + u s'
  void add(const Vector& s, const Vector& u);

  double get(std::size_t i, std::size_t j) const {
    return i == j ? diagonal_[i] : i > j ? below_[begin(i) + j] : below_[begin(j) + i];
  }
  /// The element there and at its mirror image.
  void set(std::size_t i, std::size_t j, double value) {
    (i == j ? diagonal_[i] : i > j ? below_[begin(i) + j] : below_[begin(j) + i]) = value;
  }

  const std::size_t n;

 private:
  // Eight rows make a group; each is as long as the last of them, with zeros from its diagonal on.
  static std::size_t length(std::size_t i) { return (i / lanes + 1) * lanes; }
  static std::size_t begin(std::size_t i) {
    const std::size_t group = i / lanes;
    return lanes * lanes * (group * (group + 1) / 2) + i % lanes * length(i);
  }
  /// The first group of a block of rows, of which each has about as many elements.
  std::size_t first_group(std::size_t block) const;

  Vectors triangle_, column_, partial_;  // pools
  const std::size_t groups_, blocks_;    // what is cut in blocks depends on n alone
  const Vector below_, diagonal_, parts_;
};

}  // namespace gs::minimize
