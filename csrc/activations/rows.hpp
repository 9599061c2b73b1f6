// Activations of whole rows. x may be y, dy may be dx.
#pragma once

#include "activations/base.hpp"
#include "core/folds.hpp"

namespace gs {

/// e^x over its sum along the row.
struct Softmax : Rowwise {
  static constexpr const char* name = "softmax";
  // x (n) -> y (n)
  template <class Real> HD static void forward(const Real* x, Real* y, std::size_t n) {
    exps_of(x, largest(x, n), n, y);
    const Real sum = sum_of(y, n);
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) y[i] /= sum;
  }
  // y, dy (n) -> dx (n)
  template <class Real> HD static void backward(const Real*, const Real* y, const Real* dy, Real* dx, std::size_t n) {
    const Real dot = dot_of(y, dy, n);
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) dx[i] = y[i] * (dy[i] - dot);
  }
};

/// The logarithm of softmax, without leaving the range of the type.
struct LogSoftmax : Rowwise {
  static constexpr const char* name = "log_softmax";
  template <class Real> HD static void forward(const Real* x, Real* y, std::size_t n) {
    // The largest is taken off first: a sum with it would lose the logarithm beside a large x.
    const Real top = largest(x, n);
    const Real rest = log(sum_of_exps(x, top, n));
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) y[i] = (x[i] - top) - rest;
  }
  template <class Real> HD static void backward(const Real*, const Real* y, const Real* dy, Real* dx, std::size_t n) {
    const Real sum = sum_of(dy, n);
    in_sixteens(n, [&](std::size_t i, std::size_t count) INLINED {
      Real numbers[fold_lanes], slopes[fold_lanes];
      take(y + i, count, numbers);
      take(dy + i, count, slopes);
#pragma omp simd
      for (std::size_t l = 0; l < fold_lanes; ++l) slopes[l] -= exp(numbers[l]) * sum;
      give(slopes, count, dx + i);
    });
  }
};

/// The point of the simplex nearest to x: max(x - tau, 0), with the tau for which the sum is 1. Martins & Astudillo
/// 2016, arXiv:1602.02068; tau by Michelot 1986: that of the numbers above the last tau, until no more of them fall.
struct Sparsemax : Rowwise {
  static constexpr const char* name = "sparsemax";
  template <class Real> HD static void forward(const Real* x, Real* y, std::size_t n) {
    const Real top = largest(x, n);
    Real tau = -Real(inf);
    for (std::size_t count = n + 1, before = n + 2; count < before;) {
      before = count;
      count = 0;
      Real sum = -1;
      for (std::size_t i = 0; i < n; ++i) {
        const bool above = x[i] - top > tau;
        sum += above ? x[i] - top : Real(0);
        count += above;
      }
      if (count > 0) tau = sum / Real(count);
    }
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) y[i] = larger(x[i] - top - tau, Real(0));
  }
  template <class Real> HD static void backward(const Real*, const Real* y, const Real* dy, Real* dx, std::size_t n) {
    Real sum = 0, count = 0;
    for (std::size_t i = 0; i < n; ++i) {
      sum += y[i] > 0 ? dy[i] : Real(0);
      count += y[i] > 0 ? Real(1) : Real(0);
    }
    const Real mean = sum / count;
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) dx[i] = y[i] > 0 ? dy[i] - mean : Real(0);
  }
};

}  // namespace gs
