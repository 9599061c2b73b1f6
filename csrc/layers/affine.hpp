// What layers with numbers for each column have in common.
#pragma once

#include <cstddef>

#include "graph/schedule.hpp"
#include "kernels/layers/columns.hpp"

namespace gs {

/// x (rows, n) -> y = (x - center) factor + shift; each of the three (n), or null for none.
template <class Real>
void affine(Schedule<Real>& schedule, const Rows& x, const Real* center, const Real* factor, const Real* shift,
            Matrix<Real> y) {
  schedule.each_row(y.rows, y.columns, {{x.memory, center, factor, shift}, {y.at}},
                    [=, work = column_loops<Real>().affine](std::size_t first, std::size_t count) {
                      Real* const at = y.at + first * y.columns;
                      Schedule<Real>::read(x, first, count, y);
                      work(at, center, factor, shift, count, y.columns, at);
                    });
}

/// dxhat, xhat (rows, n), dgamma, dbeta (n) -> dy = gamma dxhat + dgamma xhat + dbeta, in place of dxhat; each of the
/// three may be null.
template <class Real>
void scale_tangent(const Real* gamma, const Real* dgamma, const Real* dbeta, const Real* xhat, std::size_t rows,
                   std::size_t n, Real* dy) {
  for (std::size_t i = 0; i < rows; ++i, xhat += n, dy += n)
    for (std::size_t j = 0; j < n; ++j) {
      const Real scaled = gamma ? gamma[j] * dy[j] : dy[j];
      dy[j] = scaled + (dgamma ? dgamma[j] * xhat[j] : Real(0)) + (dbeta ? dbeta[j] : Real(0));
    }
}

}  // namespace gs
