// Loops over vectors of doubles. A vector begins at a multiple of 64 bytes, and its length is a multiple of eight, with
// zeros behind its numbers. Sums are made in eight lanes whatever the width of registers: the same bits on every
// instruction set.
#pragma once

#include <cstddef>

#include "kernels/isa.hpp"

namespace gs {

inline constexpr std::size_t vector_lanes = 8;

/// What a step has changed.
struct VectorChange {
  double ss, yy, ys;  // of s = x' - x and y = g' - g
  double turn;        // g' . g
  double largest;     // magnitude in g'; NaN if one is in it
};

/// A part of several vectors: n numbers of each of k, from the one at `from` on.
struct VectorPart {
  const double* const* v;
  std::size_t k, from, n;
};

struct VectorsTable {
  /// a . b
  double (*dot)(const double* a, const double* b, std::size_t n);
  /// out = scale * (in + c * v); gives w . out. out may be in.
  double (*add_and_dot)(const double* in, double c, const double* v, double scale, const double* w, double* out,
                        std::size_t n);
  /// The largest magnitude; NaN if one is in it.
  double (*largest)(const double* v, std::size_t n);
  /// Of a step from x to x1, where the gradients are g and g1; s and y are written, unless they are null.
  VectorChange (*change)(const double* x1, const double* x, const double* g1, const double* g, double* s, double* y,
                         std::size_t n);
  /// out = x + alpha * d; whether that is not x.
  bool (*move)(const double* x, double alpha, const double* d, double* out, std::size_t n);

  // Of several vectors v (k, n). The others begin where they do, at `from`.
  /// a (n) -> sums (k) += v a
  void (*products)(const VectorPart& part, const double* a, double* sums);
  /// a (n), b (n) -> sums (k, 2) += v a, v b
  void (*products_of_two)(const VectorPart& part, const double* a, const double* b, double* sums);
  /// in (n; null: zeros), c (k) -> out (n) = scale * (in + c v); gives w . out, or 0 where w is null.
  double (*combine)(const double* in, const VectorPart& part, const double* c, double scale, const double* w,
                    double* out);
  /// The same without w, and out of k > 0 vectors -> sums (k) += v out.
  void (*combine_and_products)(const double* in, const VectorPart& part, const double* c, double scale, double* out,
                               double* sums);
  /// c, e (k) -> of_c = c v, of_e = e v; of vectors of at most 512 numbers.
  void (*combine_two)(const VectorPart& part, const double* c, const double* e, double* of_c, double* of_e);
};

template <class Isa> const VectorsTable& vectors_table() noexcept;

}  // namespace gs
