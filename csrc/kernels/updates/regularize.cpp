#include "kernels/updates/regularize.hpp"

#include "core/math.hpp"

namespace gs {
namespace {

// PenaltySums are taken in this many lanes, whatever the width of registers: the same bits on every instruction set.
constexpr std::size_t lanes = 16;

template <class Real>
HD void penalize_some(const Real* RESTRICT w, Real* RESTRICT g, Real l1, Real twice_l2, std::size_t n,
                      double* RESTRICT sizes, double* RESTRICT squares) {
#pragma omp simd
  for (std::size_t i = 0; i < n; ++i) {
    sizes[i] += double(magnitude(w[i]));
    squares[i] += double(w[i]) * double(w[i]);
    g[i] += l1 * sign(w[i]) + twice_l2 * w[i];
  }
}

template <class Real>
PenaltySums penalize(const Real* w, Real* g, const Real* extra, double l1, double l2, const MatrixLayout& layout) {
  double sizes[lanes] = {}, squares[lanes] = {};
  Real unused[lanes];
  for (std::size_t row = 0; row < layout.rows; ++row, w += layout.stride) {
    for (std::size_t i = 0; i < layout.columns; i += lanes) {
      const std::size_t n = layout.columns - i < lanes ? layout.columns - i : lanes;
      Real* const to = g ? g + i : unused;
      if (!g)
        for (Real& x : unused) x = 0;
      if (n == lanes)
        penalize_some(w + i, to, Real(l1), Real(2 * l2), lanes, sizes, squares);
      else
        penalize_some(w + i, to, Real(l1), Real(2 * l2), n, sizes, squares);
    }
    if (g && extra) {
#pragma omp simd
      for (std::size_t i = 0; i < layout.columns; ++i) g[i] += extra[i];
      extra += layout.stride;
    }
    if (g) g += layout.columns;
  }
  PenaltySums sums{0, 0};
  for (std::size_t i = 0; i < lanes; ++i) {
    sums.sizes += sizes[i];
    sums.squares += squares[i];
  }
  return sums;
}

template <class Real> void shrink(Real* w, double amount, std::size_t n) {
  const Real a = Real(amount);
#pragma omp simd
  for (std::size_t i = 0; i < n; ++i) w[i] -= at_most(at_least(w[i], -a), a);
}

template <class Real> void rectify(Real* w, std::size_t n) {
#pragma omp simd
  for (std::size_t i = 0; i < n; ++i) w[i] = larger(w[i], Real(0));
}

// The norm of the n numbers at w, w + stride, ..., of which `sum` is that of the squares.
template <class Real> double norm(const Real* w, std::size_t n, std::size_t stride, double sum) {
  const double by = rescaling(sum);
  if (sizeof(Real) == 4 || by == 1) return root(sum);
  sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double x = double(w[i * stride]) * by;
    sum += x * x;
  }
  return root(sum) / by;
}

template <class Real>
void bound_columns(Real* w, std::size_t length, std::size_t columns, std::size_t stride, double low, double high,
                   double rate) {
  constexpr std::size_t most = 64;
  constexpr double epsilon = 1e-7;  // as Keras has it, for columns of zeros
  double factors[most];
  for (std::size_t first = 0; first < columns; first += most, w += most) {
    const std::size_t n = columns - first < most ? columns - first : most;
    for (double& f : factors) f = 0;
    for (std::size_t i = 0; i < length; ++i) {
      const Real* RESTRICT row = w + i * stride;
#pragma omp simd
      for (std::size_t j = 0; j < n; ++j) factors[j] += double(row[j]) * double(row[j]);
    }
    for (std::size_t j = 0; j < n; ++j) {
      const double size = norm(w + j, length, stride, factors[j]);
      factors[j] = (rate * at_most(at_least(size, low), high) + (1 - rate) * size) / (epsilon + size);
    }
    for (std::size_t i = 0; i < length; ++i) {
      Real* RESTRICT row = w + i * stride;
#pragma omp simd
      for (std::size_t j = 0; j < n; ++j) row[j] = Real(double(row[j]) * factors[j]);
    }
  }
}

template <class Real>
constexpr RegularizeLoops<Real> loops{penalize<Real>, shrink<Real>, rectify<Real>, bound_columns<Real>};
constexpr RegularizeTable table{loops<float>, loops<double>};

}  // namespace

template <> const RegularizeTable& regularize_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
