#include "kernels/products/factor.hpp"

#include "core/math.hpp"
#include "core/portable.hpp"

namespace gs {
namespace {

// As many sums side by side as hide the time of an addition; their number is part of the result.
constexpr std::size_t lanes = 16;

// The sum of term(j) for j in [0, n).
template <class Term> HD double sum(std::size_t n, Term term) {
  double sums[lanes] = {};
  const std::size_t whole = n / lanes * lanes;
  for (std::size_t j = 0; j < whole; j += lanes) {
#pragma omp simd
    for (std::size_t lane = 0; lane < lanes; ++lane) sums[lane] += term(j + lane);
  }
  for (std::size_t j = whole; j < n; ++j) sums[j - whole] += term(j);
  for (std::size_t width = lanes / 2; width > 0; width /= 2)
    for (std::size_t lane = 0; lane < width; ++lane) sums[lane] += sums[lane + width];
  return sums[0];
}

template <class Real>
void squares(const Real* g, const MatrixLayout& layout, double scale, double* RESTRICT rows, double* RESTRICT columns) {
  const Real by = Real(scale);
  for (std::size_t i = 0; i < layout.rows; ++i) {
    const Real* RESTRICT x = g + i * layout.stride;
    rows[i] += sum(layout.columns, [&](std::size_t j) {
      const double value = double(x[j] * by), squared = value * value;
      columns[j] += squared;
      return squared;
    });
  }
}

template <class Real> double size(const Real* w, const MatrixLayout& layout, double decay) {
  const Real by = Real(decay);
  double total = 0;
  for (std::size_t i = 0; i < layout.rows; ++i) {
    const Real* x = w + i * layout.stride;
    total += sum(layout.columns, [&](std::size_t j) {
      const double value = double(x[j] * by);
      return value * value;
    });
  }
  return total;
}

template <class Real> double spread(const Real* g, const MatrixLayout& layout, double scale, const Moment<Real>& v) {
  const Real by = Real(scale), most = v.most;
  double total = 0;
  for (std::size_t i = 0; i < layout.rows; ++i) {
    const Real *x = g + i * layout.stride, *column = v.column, row = v.row[i];
    total += sum(layout.columns, [&](std::size_t j) {
      const double u = double(x[j] * by * at_most(row * column[j], most));
      return u * u;
    });
  }
  return total;
}

template <class Real>
void move(Real* w, const Real* g, const MatrixLayout& layout, const Factors& factors, double step,
          const Moment<Real>& v) {
  const Real decay = Real(factors.decay), by = Real(factors.scale), most = v.most, rate = Real(step);
  for (std::size_t i = 0; i < layout.rows; ++i) {
    Real* RESTRICT y = w + i * layout.stride;
    const Real *RESTRICT x = g + i * layout.stride, *RESTRICT column = v.column;
    const Real row = v.row[i];
#pragma omp simd
    for (std::size_t j = 0; j < layout.columns; ++j)
      y[j] = y[j] * decay - rate * (x[j] * by * at_most(row * column[j], most));
  }
}

template <class Real> constexpr FactorLoops<Real> table_of() {
  return {squares<Real>, size<Real>, spread<Real>, move<Real>};
}

constexpr FactorTable table{table_of<float>(), table_of<double>()};

}  // namespace

template <> const FactorTable& factor_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
