// Eight doubles side by side, whatever the width of registers.
#pragma once

#include <cstddef>

#include "kernels/minimize/vectors.hpp"
#include "kernels/simd.hpp"

namespace gs {
namespace {

typedef double Lanes __attribute__((vector_size(vector_lanes * sizeof(double)), may_alias));
typedef double Four __attribute__((vector_size(32)));
typedef double Two __attribute__((vector_size(16), aligned(8), may_alias));

HD Lanes& at(double* x, std::size_t i) { return *reinterpret_cast<Lanes*>(x + i); }
HD const Lanes& at(const double* x, std::size_t i) { return *reinterpret_cast<const Lanes*>(x + i); }

/// Sums of lanes that are four apart.
HD Four halves(const Lanes& v) {
#if defined(__has_builtin) && __has_builtin(__builtin_shufflevector)
  return __builtin_shufflevector(v, v, 0, 1, 2, 3) + __builtin_shufflevector(v, v, 4, 5, 6, 7);
#else
  return Four{v[0], v[1], v[2], v[3]} + Four{v[4], v[5], v[6], v[7]};
#endif
}

HD double sum_of(const Lanes& v) {
  const Four w = halves(v);
  return (w[0] + w[1]) + (w[2] + w[3]);
}
/// The same of two at once.
HD Two sums_of(const Lanes& a, const Lanes& b) {
  const Four v = halves(a), w = halves(b);
  const Four both = pick<0, 4, 2, 6>(v, w) + pick<1, 5, 3, 7>(v, w);
  return Two{both[0], both[1]} + Two{both[2], both[3]};
}

}  // namespace
}  // namespace gs
