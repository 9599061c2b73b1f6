// What layers with numbers for each column have in common.
#pragma once

#include <cstddef>

#include "graph/schedule.hpp"
#include "kernels/columns.hpp"

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

}  // namespace gs
