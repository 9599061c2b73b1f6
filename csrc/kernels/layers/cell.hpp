// The steps of an LSTM and of a GRU with tanh and sigmoid: what comes after their products, for some rows of a batch.
#pragma once

#include <cstddef>

#include "kernels/isa.hpp"

namespace gs {

/// Numbers of rows, `stride` apart.
template <class Real> struct StridedRows {
  Real* at = nullptr;
  std::size_t stride = 0;

  Real* row(std::size_t i) const { return at + i * stride; }
  StridedRows from(std::size_t i) const { return {row(i), stride}; }
};

template <class Real> struct CellLoops {
  /// z (rows, 4 n): i, f, c~, o before their activations; c0 (rows, n) -> those after, in place; c, tanh c, h (rows,
  /// n); c may be c0. Hochreiter & Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735.
  void (*lstm_forward)(std::size_t rows, std::size_t n, StridedRows<Real> z, StridedRows<Real> c0, StridedRows<Real> c,
                       StridedRows<Real> tanh_c, StridedRows<Real> h);
  /// z as left there, dh, dc (rows, n) -> dz in place; dc, in place, of the step before; dh: 0
  void (*lstm_backward)(std::size_t rows, std::size_t n, StridedRows<Real> z, StridedRows<Real> c0,
                        StridedRows<Real> tanh_c, StridedRows<Real> dh, StridedRows<Real> dc);
  /// zx, zh (rows, 3 n): what x and h give to z, r, h~; h0 (rows, n) -> kept (rows, 4 n): h~, z, r, and what h gave to
  /// h~; h (rows, n), which may be h0. Cho et al. 2014, arXiv:1406.1078.
  void (*gru_forward)(std::size_t rows, std::size_t n, StridedRows<Real> zx, StridedRows<Real> zh, StridedRows<Real> h0,
                      StridedRows<Real> kept, StridedRows<Real> h);
  /// kept, h0, dh -> in place of kept: the gradients by h~ of x, by z, by r, by h~ of h; dh, in place, of the step
  /// before but for what comes through the products
  void (*gru_backward)(std::size_t rows, std::size_t n, StridedRows<Real> kept, StridedRows<Real> h0,
                       StridedRows<Real> dh);
};

struct CellTable {
  CellLoops<float> f32;
  CellLoops<double> f64;
};

template <class Isa> const CellTable& cell_table() noexcept;

}  // namespace gs
