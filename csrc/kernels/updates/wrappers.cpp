#include "kernels/updates/wrappers.hpp"

#include "core/portable.hpp"

namespace gs {
namespace {

template <class Real> void climb(Real* RESTRICT w, const Real* RESTRICT g, std::size_t n, double share, bool adaptive) {
  const Real by = Real(share);
  if (adaptive) {
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) w[i] += by * (g[i] * (w[i] * w[i]));
  } else {
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) w[i] += by * g[i];
  }
}

template <class Real>
void weigh(const Real* RESTRICT g, const Real* RESTRICT w, std::size_t n, double by, double* RESTRICT out) {
  if (w) {
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) out[i] = double(g[i]) * by * double(w[i]);
  } else {
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) out[i] = double(g[i]) * by;
  }
}

template <class Real> void meet(Real* RESTRICT fast, Real* RESTRICT slow, std::size_t n, double part) {
  const Real by = Real(part);
#pragma omp simd
  for (std::size_t i = 0; i < n; ++i) {
    slow[i] += by * (fast[i] - slow[i]);
    fast[i] = slow[i];
  }
}

template <class Real> constexpr WrapperLoops<Real> row() { return {climb<Real>, weigh<Real>, meet<Real>}; }

constexpr WrappersTable table{row<float>(), row<double>()};

}  // namespace

template <> const WrappersTable& wrappers_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
