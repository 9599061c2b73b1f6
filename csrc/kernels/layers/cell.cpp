#include "kernels/layers/cell.hpp"

#include "activations/smooth.hpp"

namespace gs {
namespace {

template <class Real>
void lstm_forward(std::size_t rows, std::size_t n, StridedRows<Real> z, StridedRows<Real> c0, StridedRows<Real> c,
                  StridedRows<Real> tanh_c, StridedRows<Real> h) {
  for (std::size_t row = 0; row < rows; ++row) {
    Real *const i = z.row(row), *const f = i + n, *const g = f + n, *const o = g + n;
    Real *const before = c0.row(row), *const after = c.row(row), *const t = tanh_c.row(row), *const y = h.row(row);
#pragma omp simd
    for (std::size_t j = 0; j < n; ++j) {
      i[j] = Sigmoid::value(i[j]);
      f[j] = Sigmoid::value(f[j]);
      g[j] = Tanh::value(g[j]);
      o[j] = Sigmoid::value(o[j]);
      after[j] = f[j] * before[j] + i[j] * g[j];
    }
    // In a second loop, since tanh waits for all of the above: here the units do not wait for one another.
#pragma omp simd
    for (std::size_t j = 0; j < n; ++j) {
      t[j] = Tanh::value(after[j]);
      y[j] = o[j] * t[j];
    }
  }
}

template <class Real>
void lstm_backward(std::size_t rows, std::size_t n, StridedRows<Real> z, StridedRows<Real> c0, StridedRows<Real> tanh_c,
                   StridedRows<Real> dh, StridedRows<Real> dc) {
  for (std::size_t row = 0; row < rows; ++row) {
    Real *const di = z.row(row), *const df = di + n, *const dg = df + n, *const dout = dg + n;
    Real *const before = c0.row(row), *const t = tanh_c.row(row), *const dy = dh.row(row), *const carry = dc.row(row);
#pragma omp simd
    for (std::size_t j = 0; j < n; ++j) {
      const Real i = di[j], f = df[j], g = dg[j], o = dout[j], d = dy[j];
      const Real sum = carry[j] + d * o * Tanh::derivative(Real(0), t[j]);
      di[j] = sum * g * Sigmoid::derivative(Real(0), i);
      df[j] = sum * before[j] * Sigmoid::derivative(Real(0), f);
      dg[j] = sum * i * Tanh::derivative(Real(0), g);
      dout[j] = d * t[j] * Sigmoid::derivative(Real(0), o);
      carry[j] = sum * f;
      dy[j] = 0;
    }
  }
}

template <class Real>
void gru_forward(std::size_t rows, std::size_t n, StridedRows<Real> zx, StridedRows<Real> zh, StridedRows<Real> h0,
                 StridedRows<Real> kept, StridedRows<Real> h) {
  for (std::size_t row = 0; row < rows; ++row) {
    const Real *const x = zx.row(row), *const inner = zh.row(row), *const before = h0.row(row);
    Real *const to = kept.row(row), *const y = h.row(row);
#pragma omp simd
    for (std::size_t j = 0; j < n; ++j) {
      const Real z = Sigmoid::value(x[j] + inner[j]), r = Sigmoid::value(x[n + j] + inner[n + j]);
      const Real candidate = Tanh::value(x[2 * n + j] + r * inner[2 * n + j]);
      to[j] = candidate;
      to[n + j] = z;
      to[2 * n + j] = r;
      to[3 * n + j] = inner[2 * n + j];
      y[j] = z * before[j] + (1 - z) * candidate;
    }
  }
}

template <class Real>
void gru_backward(std::size_t rows, std::size_t n, StridedRows<Real> kept, StridedRows<Real> h0, StridedRows<Real> dh) {
  for (std::size_t row = 0; row < rows; ++row) {
    Real *const at = kept.row(row), *const before = h0.row(row), *const dy = dh.row(row);
#pragma omp simd
    for (std::size_t j = 0; j < n; ++j) {
      const Real candidate = at[j], z = at[n + j], r = at[2 * n + j], inner = at[3 * n + j], d = dy[j];
      const Real by_candidate = d * (1 - z) * Tanh::derivative(Real(0), candidate);
      at[j] = by_candidate;
      at[n + j] = d * (before[j] - candidate) * Sigmoid::derivative(Real(0), z);
      at[2 * n + j] = by_candidate * inner * Sigmoid::derivative(Real(0), r);
      at[3 * n + j] = by_candidate * r;
      dy[j] = d * z;
    }
  }
}

template <class Real> constexpr CellLoops<Real> row() {
  return {lstm_forward<Real>, lstm_backward<Real>, gru_forward<Real>, gru_backward<Real>};
}

constexpr CellTable table{row<float>(), row<double>()};

}  // namespace

template <> const CellTable& cell_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
