// What is element by element in making a matrix orthogonal.
#pragma once

#include <cstddef>

#include "core/matrix.hpp"
#include "kernels/isa.hpp"

namespace gs {

template <class Real> struct Turning {
  // m = keep m + take g scale, x = of_gradient g scale + of_momentum m (n)
  void (*remember)(const Real* g, Real* m, Real* x, std::size_t n, double scale, const Orthogonal& how);
  // squared = b one + c squared (n)
  void (*combine)(const Real* one, Real* squared, std::size_t n, double b, double c);
};

struct TurnTable {
  Turning<float> f32;
  Turning<double> f64;
};

template <class Isa> const TurnTable& turn_table() noexcept;

}  // namespace gs
