#include "kernels/products/orthogonalize.hpp"

#include "core/portable.hpp"

namespace gs {
namespace {

template <class Real>
void update_momentum(const Real* RESTRICT g, Real* RESTRICT m, Real* RESTRICT x, std::size_t n, double scale,
                     const Orthogonal& constants) {
  const Real by = Real(scale), decay = Real(constants.decay), take = Real(constants.take);
  const Real of_gradient = Real(constants.of_gradient), of_momentum = Real(constants.of_momentum);
#pragma omp simd
  for (std::size_t i = 0; i < n; ++i) {
    const Real gradient = g[i] * by;
    m[i] = decay * m[i] + take * gradient;
    x[i] = of_gradient * gradient + of_momentum * m[i];
  }
}

template <class Real>
void combine(const Real* RESTRICT one, Real* RESTRICT squared, std::size_t n, double b, double c) {
  const Real of_one = Real(b), of_squared = Real(c);
#pragma omp simd
  for (std::size_t i = 0; i < n; ++i) squared[i] = of_one * one[i] + of_squared * squared[i];
}

constexpr OrthogonalizeTable table{{update_momentum<float>, combine<float>},
                                   {update_momentum<double>, combine<double>}};

}  // namespace

template <> const OrthogonalizeTable& orthogonalize_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
