// Vectors of one instruction set, in the compiler's own vector types.
#pragma once

#include <cstddef>
#include <utility>

#include "core/portable.hpp"

namespace gs {
namespace {

#if defined(__AVX512F__)
constexpr int vector_bytes = 64;
#elif defined(__AVX__)
constexpr int vector_bytes = 32;
#else
constexpr int vector_bytes = 16;
#endif

template <class Real, int bytes = vector_bytes> struct Simd {
  static constexpr int lanes = bytes / sizeof(Real);
  typedef Real Vector __attribute__((vector_size(bytes)));
  typedef Real Unaligned __attribute__((vector_size(bytes), aligned(sizeof(Real)), may_alias));
};

template <class Real, int bytes = vector_bytes> HD typename Simd<Real, bytes>::Vector load(const Real* p) {
  return *reinterpret_cast<const typename Simd<Real, bytes>::Unaligned*>(p);
}
template <int bytes = vector_bytes, class Real> HD void store(Real* p, typename Simd<Real, bytes>::Vector v) {
  *reinterpret_cast<typename Simd<Real, bytes>::Unaligned*>(p) = v;
}

// Elements [k] of a, or of b if the index is `lanes` or more.
template <int... k, class Vector> HD Vector pick(Vector a, Vector b) {
#if defined(__has_builtin) && __has_builtin(__builtin_shufflevector)
  return __builtin_shufflevector(a, b, k...);
#else
  return Vector{(k < int(sizeof...(k)) ? a[k % sizeof...(k)] : b[k % sizeof...(k)])...};
#endif
}

template <int distance, class Vector, int... k> HD Vector moved(Vector v, std::integer_sequence<int, k...>) {
  return pick<((k + distance) % int(sizeof...(k)))...>(v, v);
}
/// Element k + distance of v in place of k; from the beginning again behind the last one.
template <int distance, class Vector> HD Vector moved(Vector v) {
  return moved<distance>(v, std::make_integer_sequence<int, int(sizeof(Vector) / sizeof(v[0]))>{});
}

// One step of a transpose: of two rows `distance` apart, swaps the blocks off the diagonal.
template <int distance, class Vector, int... k>
HD void exchange(Vector& a, Vector& b, std::integer_sequence<int, k...>) {
  constexpr int lanes = sizeof...(k);
  const Vector low = pick<(k & distance ? lanes + k - distance : k)...>(a, b);
  b = pick<(k & distance ? lanes + k : k + distance)...>(a, b);
  a = low;
}

template <int distance, int lanes, class Vector> HD void transpose_steps(Vector* rows) {
  if constexpr (distance < lanes) {
#pragma GCC unroll 16
    for (int i = 0; i < lanes; ++i)
      if (!(i & distance)) exchange<distance>(rows[i], rows[i + distance], std::make_integer_sequence<int, lanes>{});
    transpose_steps<2 * distance, lanes>(rows);
  }
}

/// rows (lanes, lanes), transposed in registers.
template <int lanes, class Vector> HD void transpose(Vector* rows) { transpose_steps<1, lanes>(rows); }

}  // namespace
}  // namespace gs
