// The Cholesky factor of a positive definite matrix, and what is solved by it.
#pragma once

#include <cstddef>

#include "runtime/threads.hpp"

namespace gs {

/// a (n, n) with row stride ld, of which the lower triangle is read -> l with l l^T = a, in its place; the upper
/// triangle is left with other numbers. The number of columns that were factored: n, or the first whose pivot is not
/// positive; a is then of no use. The same bits at any number of threads.
template <class Real> std::size_t cholesky(Real* a, std::size_t n, std::size_t ld, ThreadTeam& team);

/// l (n, n) as above, b (n, m) with row stride ldb -> x with l l^T x = b, in the place of b.
template <class Real>
void cholesky_solve(const Real* l, std::size_t n, std::size_t ld, Real* b, std::size_t m, std::size_t ldb);

/// l (n, n) as above -> the inverse of l l^T, both triangles, in place.
template <class Real> void cholesky_inverse(Real* l, std::size_t n, std::size_t ld, ThreadTeam& team);

}  // namespace gs
