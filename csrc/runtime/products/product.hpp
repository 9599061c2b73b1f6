// The matrix product on its own, outside any network.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/products/gemm.hpp"
#include "runtime/strided.hpp"
#include "runtime/threads.hpp"

namespace gs {

/// A matrix where it lies.
struct Matrix {
  const std::byte* data;
  Layout layout;  // (rows, columns), any strides
};

/// a (m, k), b (k, n), start (n) or null -> c (m, n) = start + a b. c's rows are in C order, ldc elements apart, which
/// may be negative; c overlaps nothing. The same bits at any number of threads.
/// By a team, or by one that is made for it, and can be cancelled; by the fastest kernel, or by another.
template <class Real>
void product(Matrix a, const Matrix& b, const Real* start, Real* c, std::int64_t ldc, ThreadTeam* team = nullptr,
             Gemm<Real> gemm = nullptr);

}  // namespace gs
