// The elementwise loops of orthogonalizing a matrix (Newton-Schulz).
#pragma once

#include <cstddef>

#include "core/matrix.hpp"
#include "kernels/isa.hpp"

namespace gs {

template <class Real> struct OrthogonalizeLoops {
  // m = decay m + take g scale, x = of_gradient g scale + of_momentum m (n)
  void (*update_momentum)(const Real* g, Real* m, Real* x, std::size_t n, double scale, const Orthogonal& constants);
  // squared = b one + c squared (n)
  void (*combine)(const Real* one, Real* squared, std::size_t n, double b, double c);
};

struct OrthogonalizeTable {
  OrthogonalizeLoops<float> f32;
  OrthogonalizeLoops<double> f64;
};

template <class Isa> const OrthogonalizeTable& orthogonalize_table() noexcept;

}  // namespace gs
