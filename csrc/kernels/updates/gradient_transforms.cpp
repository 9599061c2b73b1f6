#include "kernels/updates/gradient_transforms.hpp"

#include "core/math.hpp"

namespace gs {
namespace {

template <class Real>
void prepare(const Real* g, const Real* w, Real* out, std::size_t n, double scale, double limit, double couple) {
  const Real by = Real(scale), high = Real(limit), share = Real(couple);
#pragma omp simd
  for (std::size_t i = 0; i < n; ++i) out[i] = at_most(at_least(g[i] * by, -high), high);
  if (couple == 0) return;  // an infinite weight would make NaN of a gradient that has nothing to do with it
#pragma omp simd
  for (std::size_t i = 0; i < n; ++i) out[i] += share * w[i];
}

template <class Real> void add(Real* RESTRICT sum, const Real* RESTRICT g, std::size_t n) {
#pragma omp simd
  for (std::size_t i = 0; i < n; ++i) sum[i] += g[i];
}

template <class Real> void average(Real* RESTRICT average, const Real* RESTRICT w, std::size_t n, double decay) {
  const Real old = Real(decay), fresh = Real(1 - decay);
  if (decay == 0) {  // what was there does not count, whatever it is
    for (std::size_t i = 0; i < n; ++i) average[i] = w[i];
    return;
  }
#pragma omp simd
  for (std::size_t i = 0; i < n; ++i) average[i] = old * average[i] + fresh * w[i];
}

template <class Real> void squares(const Real* g, std::size_t n, std::size_t first, double* sums) {
  const auto add = [&](std::size_t i) { sums[(first + i) % square_lanes] += double(g[i]) * double(g[i]); };
  std::size_t i = 0;
  for (; i < n && (first + i) % square_lanes != 0; ++i) add(i);
  // As many sums as hide the time of an addition, in registers.
  double lanes[square_lanes];
  for (std::size_t lane = 0; lane < square_lanes; ++lane) lanes[lane] = sums[lane];
  for (; i + square_lanes <= n; i += square_lanes) {
#pragma omp simd
    for (std::size_t lane = 0; lane < square_lanes; ++lane) lanes[lane] += double(g[i + lane]) * double(g[i + lane]);
  }
  for (std::size_t lane = 0; lane < square_lanes; ++lane) sums[lane] = lanes[lane];
  for (; i < n; ++i) add(i);
}

template <class Real> bool finite(const Real* g, std::size_t n, double by) {
  // x * 0 is 0 for every number, NaN for the others; sums of them keep it.
  constexpr std::size_t lanes = 32;
  const Real factor = Real(by);
  Real sums[lanes] = {};
  const std::size_t whole = n / lanes * lanes;
  for (std::size_t i = 0; i < whole; i += lanes) {
#pragma omp simd
    for (std::size_t lane = 0; lane < lanes; ++lane) sums[lane] += g[i + lane] * factor * 0;
  }
  for (std::size_t i = whole; i < n; ++i) sums[i - whole] += g[i] * factor * 0;
  Real all = 0;
  for (std::size_t lane = 0; lane < lanes; ++lane) all += sums[lane];
  return all == 0;
}

template <class Real> constexpr GradientTransforms<Real> row() {
  return {prepare<Real>, add<Real>, average<Real>, squares<Real>, finite<Real>};
}

constexpr GradientTransformsTable table{row<float>(), row<double>()};

}  // namespace

template <> const GradientTransformsTable& gradient_transforms_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
