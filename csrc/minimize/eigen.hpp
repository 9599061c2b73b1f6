// Eigenvalues and eigenvectors of symmetric positive matrices.
//
// Jacobi 1846; Demmel and Veselic 1992, "Jacobi's method is more accurate than QR", SIAM J. Matrix Anal. Appl. 13.
#pragma once

#include <cstddef>
#include <vector>

namespace gs::minimize {

/// A = sum over j of w_j v_j v_j', where v_j are the rows of `axes` (n, n), orthonormal. A (n, n) is lost.
/// from_axes: whether to begin with the axes that are there, of a matrix near A; from those of the coordinates
/// otherwise.
void eigen(std::vector<double>& A, std::vector<double>& axes, std::vector<double>& w, std::size_t n, bool from_axes);

}  // namespace gs::minimize
