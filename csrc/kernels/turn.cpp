#include "kernels/turn.hpp"

#include "core/portable.hpp"

namespace gs {
namespace {

template <class Real>
void remember(const Real* RESTRICT g, Real* RESTRICT m, Real* RESTRICT x, std::size_t n, double scale,
              const Orthogonal& how) {
  const Real by = Real(scale), keep = Real(how.keep), take = Real(how.take);
  const Real of_gradient = Real(how.of_gradient), of_momentum = Real(how.of_momentum);
#pragma omp simd
  for (std::size_t i = 0; i < n; ++i) {
    const Real slope = g[i] * by;
    m[i] = keep * m[i] + take * slope;
    x[i] = of_gradient * slope + of_momentum * m[i];
  }
}

template <class Real>
void combine(const Real* RESTRICT one, Real* RESTRICT squared, std::size_t n, double b, double c) {
  const Real of_one = Real(b), of_squared = Real(c);
#pragma omp simd
  for (std::size_t i = 0; i < n; ++i) squared[i] = of_one * one[i] + of_squared * squared[i];
}

constexpr TurnTable table{{remember<float>, combine<float>}, {remember<double>, combine<double>}};

}  // namespace

template <> const TurnTable& turn_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
