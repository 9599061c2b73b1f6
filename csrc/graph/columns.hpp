// The operations of a schedule for layers with numbers for each column.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include "graph/jobs.hpp"
#include "kernels/columns.hpp"
#include "kernels/indirection.hpp"

namespace gs {

template <class Real> Real* data_of(const Weight<Real>* weight) { return weight ? weight->w : nullptr; }

/// What Schedule has of them, which gives rows, columns, first, read, copy, row_pointers, bias_grad, apply_grad and
/// workspace.
template <class Schedule, class Real> class ColumnOperations {
 public:
  // x (batch, n) -> z = xhat, y (batch, n); the moving statistics (n) are updated. See BatchStatistics.
  void normalize_columns(IndirectionBuffer x, const Weight<Real>* gamma, const Weight<Real>* beta,
                         const Weight<Real>* mean, const Weight<Real>* variance, double momentum, double epsilon,
                         Real* z, Real* y, std::size_t n) {
    BatchStatistics<Real> s{data_of(gamma),      data_of(beta), mean->w, variance->w,
                            self().workspace(n), momentum,      epsilon};
    self().copy(x, z, n);
    const std::size_t rows = self().batch;
    self().columns(n, [=, forward = column_loops<Real>().batch_forward](std::size_t first, std::size_t count) {
      forward(z + first, at(s, first), rows, count, n, z + first, y + first);
    });
    kept_.push_back(s);
  }

  // dy, z = xhat (batch, n) -> dx (batch, n) unless it is null; gamma and beta are updated. In the reverse order of
  // the calls of the operation above.
  void normalize_columns_back(const Real* dy, const Real* z, const Weight<Real>* gamma, const Weight<Real>* beta,
                              Real* dx, std::size_t n) {
    const BatchStatistics<Real> s = kept_.back();
    kept_.pop_back();
    Real *const dgamma = self().workspace(n), *const dbeta = self().workspace(n);
    const std::size_t rows = self().batch;
    self().columns(n, [=, backward = column_loops<Real>().batch_backward](std::size_t first, std::size_t count) {
      backward(dy + first, z + first, at(s, first), rows, count, n, dgamma + first, dbeta + first,
               dx ? dx + first : nullptr);
    });
    if (gamma) self().apply_grad(dgamma, gamma, n);
    if (beta) self().apply_grad(dbeta, beta, n);
  }

  // x (batch, n) -> y = (x - mean) gamma / sqrt(variance + epsilon) + beta
  void standardize(IndirectionBuffer x, const Weight<Real>* mean, const Weight<Real>* variance,
                   const Weight<Real>* gamma, const Weight<Real>* beta, double epsilon, Real* y, std::size_t n) {
    const Real* const factor = factors(variance, gamma, epsilon, n);
    affine(x, mean->w, factor, data_of(beta), y, n);
  }
  // dy -> dx
  void standardize_back(const Real* dy, const Weight<Real>*, const Weight<Real>* variance, const Weight<Real>* gamma,
                        double epsilon, Real* dx, std::size_t n) {
    const Real* const factor = factors(variance, gamma, epsilon, n);
    affine(self().row_pointers(dy, n), nullptr, factor, nullptr, dx, n);
  }

  // x (batch, n) -> z = xhat, y (batch, n), of each of `groups` parts of a row
  void normalize_rows(IndirectionBuffer x, const Weight<Real>* gamma, const Weight<Real>* beta, double epsilon,
                      std::size_t groups, Real* z, Real* y, std::size_t n) {
    Real* const inverse = self().workspace(self().batch * groups);
    inverses_.push_back(inverse);
    const Real *const scale = data_of(gamma), *const shift = data_of(beta);
    self().rows(n, [=, forward = column_loops<Real>().rows_forward](std::size_t first, std::size_t count) {
      Real* const at = z + first * n;
      self().read(x, first, count, z, n);
      forward(at, scale, shift, epsilon, count, n, groups, at, y + first * n, inverse + first * groups);
    });
  }
  // dy, z = xhat -> dx unless it is null; z is used up; gamma and beta are updated
  void normalize_rows_back(const Real* dy, Real* z, const Weight<Real>* gamma, const Weight<Real>* beta,
                           std::size_t groups, Real* dx, std::size_t n) {
    const Real* const inverse = inverses_.back();
    inverses_.pop_back();
    const Real* const scale = data_of(gamma);
    self().rows(n, [=, backward = column_loops<Real>().rows_backward](std::size_t first, std::size_t count) {
      backward(dy + first * n, scale, inverse + first * groups, count, n, groups, z + first * n,
               dx ? dx + first * n : nullptr);
    });
    if (gamma) self().bias_grad(z, gamma, n);
    if (beta) self().bias_grad(dy, beta, n);
  }

  // x (batch, n) -> y = (x - mean) / max(sqrt(variance), 1e-7), or the other way round
  void rescale_columns(IndirectionBuffer x, const Real* mean, const Real* variance, bool invert, Real* y,
                       std::size_t n) {
    const Real* const factor = deviations(variance, invert, n);
    affine(x, invert ? nullptr : mean, factor, invert ? mean : nullptr, y, n);
  }
  void rescale_columns_back(const Real* dy, const Real* variance, bool invert, Real* dx, std::size_t n) {
    affine(self().row_pointers(dy, n), nullptr, deviations(variance, invert, n), nullptr, dx, n);
  }

  // x (batch, n), alpha (n) -> z = x, y = x where x > 0, else alpha x
  void leak(IndirectionBuffer x, const Weight<Real>* alpha, Real* z, Real* y, std::size_t n) {
    self().rows(n, [=, forward = column_loops<Real>().leak_forward](std::size_t first, std::size_t count) {
      self().read(x, first, count, z, n);
      forward(z + first * n, alpha->w, count, n, y + first * n);
    });
  }
  // dy, z = x -> dx unless it is null; z is used up; alpha is updated
  void leak_back(const Real* dy, Real* z, const Weight<Real>* alpha, Real* dx, std::size_t n) {
    self().rows(n, [=, backward = column_loops<Real>().leak_backward](std::size_t first, std::size_t count) {
      backward(dy + first * n, alpha->w, count, n, z + first * n, dx ? dx + first * n : nullptr);
    });
    self().bias_grad(z, alpha, n);
  }

 private:
  Schedule& self() { return static_cast<Schedule&>(*this); }

  static BatchStatistics<Real> at(BatchStatistics<Real> s, std::size_t column) {
    if (s.gamma) s.gamma += column;
    if (s.beta) s.beta += column;
    s.moving_mean += column;
    s.moving_variance += column;
    s.inverse += column;
    return s;
  }

  void affine(IndirectionBuffer x, const Real* center, const Real* factor, const Real* shift, Real* y, std::size_t n) {
    self().rows(n, [=, work = column_loops<Real>().affine](std::size_t first, std::size_t count) {
      self().read(x, first, count, y, n);
      work(y + first * n, center, factor, shift, count, n, y + first * n);
    });
  }

  // gamma / sqrt(variance + epsilon) (n), made anew in each pass
  const Real* factors(const Weight<Real>* variance, const Weight<Real>* gamma, double epsilon, std::size_t n) {
    Real* const factor = self().workspace(n);
    self().first([=] {
      for (std::size_t j = 0; j < n; ++j)
        factor[j] = Real((gamma ? double(gamma->w[j]) : 1) / std::sqrt(double(variance->w[j]) + epsilon));
    });
    return factor;
  }
  // max(sqrt(variance), 1e-7) (n), as Keras has it; or 1 over it
  const Real* deviations(const Real* variance, bool times, std::size_t n) {
    Real* const factor = self().workspace(n);
    self().first([=] {
      for (std::size_t j = 0; j < n; ++j) {
        const double deviation = std::fmax(std::sqrt(double(variance[j])), 1e-7);
        factor[j] = Real(times ? deviation : 1 / deviation);
      }
    });
    return factor;
  }

  std::vector<BatchStatistics<Real>> kept_;
  std::vector<Real*> inverses_;
};

}  // namespace gs
