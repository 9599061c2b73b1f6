#include "kernels/layers/columns.hpp"

#include "core/math.hpp"

namespace gs {
namespace {

// Columns side by side, whatever the width of registers: the same bits everywhere.
constexpr std::size_t wide = 64;

template <class Real>
void affine(const Real* x, const Real* center, const Real* factor, const Real* shift, std::size_t rows, std::size_t n,
            Real* y) {
  for (std::size_t i = 0; i < rows; ++i, x += n, y += n) {
#pragma omp simd
    for (std::size_t j = 0; j < n; ++j) {
      const Real a = center ? x[j] - center[j] : x[j], b = factor ? a * factor[j] : a;
      y[j] = shift ? b + shift[j] : b;
    }
  }
}

template <class Real>
HD void statistics(const Real* x, std::size_t rows, std::size_t columns, std::size_t ld, double* mean,
                   double* variance) {
  for (std::size_t j = 0; j < columns; ++j) mean[j] = variance[j] = 0;
  for (std::size_t i = 0; i < rows; ++i) {
#pragma omp simd
    for (std::size_t j = 0; j < columns; ++j) mean[j] += double(x[i * ld + j]);
  }
  for (std::size_t j = 0; j < columns; ++j) mean[j] /= double(rows);
  for (std::size_t i = 0; i < rows; ++i) {
#pragma omp simd
    for (std::size_t j = 0; j < columns; ++j) {
      const double d = double(x[i * ld + j]) - mean[j];
      variance[j] += d * d;
    }
  }
  for (std::size_t j = 0; j < columns; ++j) variance[j] /= double(rows);
}

template <class Real>
void batch_forward(const Real* x, const BatchStatistics<Real>& s, std::size_t rows, std::size_t columns, std::size_t ld,
                   Real* xhat, Real* y) {
  for (std::size_t first = 0; first < columns; first += wide) {
    const std::size_t n = columns - first < wide ? columns - first : wide;
    double mean[wide], variance[wide];
    Real center[wide], factor[wide], gamma[wide], beta[wide];
    statistics(x + first, rows, n, ld, mean, variance);
    for (std::size_t j = 0; j < n; ++j) {
      const std::size_t at = first + j;
      center[j] = Real(mean[j]);
      s.inverse[at] = factor[j] = Real(1 / root(variance[j] + s.epsilon));
      gamma[j] = s.gamma ? s.gamma[at] : Real(1);
      beta[j] = s.beta ? s.beta[at] : Real(0);
      s.moving_mean[at] = Real(double(s.moving_mean[at]) * s.momentum + mean[j] * (1 - s.momentum));
      s.moving_variance[at] = Real(double(s.moving_variance[at]) * s.momentum + variance[j] * (1 - s.momentum));
    }
    for (std::size_t i = 0; i < rows; ++i) {
      const std::size_t at = i * ld + first;
#pragma omp simd
      for (std::size_t j = 0; j < n; ++j) {
        const Real value = (x[at + j] - center[j]) * factor[j];
        xhat[at + j] = value;
        y[at + j] = value * gamma[j] + beta[j];
      }
    }
  }
}

template <class Real>
void batch_backward(const Real* dy, const Real* xhat, const BatchStatistics<Real>& s, std::size_t rows,
                    std::size_t columns, std::size_t ld, Real* dgamma, Real* dbeta, Real* dx) {
  for (std::size_t first = 0; first < columns; first += wide) {
    const std::size_t n = columns - first < wide ? columns - first : wide;
    double along[wide] = {}, plain[wide] = {};
    for (std::size_t i = 0; i < rows; ++i) {
      const std::size_t at = i * ld + first;
#pragma omp simd
      for (std::size_t j = 0; j < n; ++j) {
        along[j] += double(dy[at + j]) * double(xhat[at + j]);
        plain[j] += double(dy[at + j]);
      }
    }
    Real factor[wide], mean_along[wide], mean[wide];
    for (std::size_t j = 0; j < n; ++j) {
      dgamma[first + j] = Real(along[j]);
      dbeta[first + j] = Real(plain[j]);
      factor[j] = s.inverse[first + j] * (s.gamma ? s.gamma[first + j] : Real(1));
      mean_along[j] = Real(along[j] / double(rows));
      mean[j] = Real(plain[j] / double(rows));
    }
    for (std::size_t i = 0; dx && i < rows; ++i) {
      const std::size_t at = i * ld + first;
#pragma omp simd
      for (std::size_t j = 0; j < n; ++j)
        dx[at + j] = factor[j] * (dy[at + j] - mean[j] - xhat[at + j] * mean_along[j]);
    }
  }
}

// term(at, j), at = n row, summed over the rows for each column j
template <class Term> HD void sum_columns(std::size_t rows, std::size_t n, double* sums, Term term) {
  for (std::size_t j = 0; j < n; ++j) sums[j] = 0;
  for (std::size_t i = 0; i < rows; ++i) {
#pragma omp simd
    for (std::size_t j = 0; j < n; ++j) sums[j] += term(i * n, j);
  }
}

template <class Real>
void batch_sums(const Real* x, const Real* times, const double* mean, std::size_t rows, std::size_t n, double* sums) {
  if (mean)
    sum_columns(rows, n, sums, [=](std::size_t at, std::size_t j) INLINED {
      const double d = double(x[at + j]) - mean[j];
      return d * d;
    });
  else if (times)
    sum_columns(rows, n, sums,
                [=](std::size_t at, std::size_t j) INLINED { return double(x[at + j]) * double(times[at + j]); });
  else
    sum_columns(rows, n, sums, [=](std::size_t at, std::size_t j) INLINED { return double(x[at + j]); });
}

template <class Real>
void batch_apply(const Real* x, const Real* mean, const BatchStatistics<Real>& s, std::size_t rows, std::size_t n,
                 Real* xhat, Real* y) {
  for (std::size_t i = 0; i < rows; ++i, x += n, xhat += n, y += n) {
#pragma omp simd
    for (std::size_t j = 0; j < n; ++j) {
      const Real value = (x[j] - mean[j]) * s.inverse[j];
      xhat[j] = value;
      y[j] = value * (s.gamma ? s.gamma[j] : Real(1)) + (s.beta ? s.beta[j] : Real(0));
    }
  }
}

template <class Real>
void batch_slopes(const Real* dy, const Real* xhat, const Real* mean, const Real* along, const BatchStatistics<Real>& s,
                  std::size_t rows, std::size_t n, Real* dx) {
  for (std::size_t i = 0; i < rows; ++i, dy += n, xhat += n, dx += n) {
#pragma omp simd
    for (std::size_t j = 0; j < n; ++j)
      dx[j] = s.inverse[j] * (s.gamma ? s.gamma[j] : Real(1)) * (dy[j] - mean[j] - xhat[j] * along[j]);
  }
}

template <class Real> void leak_forward(const Real* x, const Real* alpha, std::size_t rows, std::size_t n, Real* y) {
  for (std::size_t i = 0; i < rows; ++i, x += n, y += n) {
#pragma omp simd
    for (std::size_t j = 0; j < n; ++j) y[j] = x[j] > 0 ? x[j] : alpha[j] * x[j];
  }
}

template <class Real>
void leak_backward(const Real* dy, const Real* alpha, std::size_t rows, std::size_t n, Real* x, Real* dx) {
  for (std::size_t i = 0; i < rows; ++i, dy += n, x += n) {
    if (dx) {
      Real* const to = dx + i * n;
#pragma omp simd
      for (std::size_t j = 0; j < n; ++j) to[j] = x[j] > 0 ? dy[j] : alpha[j] * dy[j];
    }
#pragma omp simd
    for (std::size_t j = 0; j < n; ++j) x[j] = x[j] > 0 ? Real(0) : dy[j] * x[j];
  }
}

template <class Real>
constexpr ColumnLoops<Real> loops{affine<Real>,      batch_forward<Real>, batch_backward<Real>, batch_sums<Real>,
                                  batch_apply<Real>, batch_slopes<Real>,  leak_forward<Real>,   leak_backward<Real>};
constexpr ColumnsTable table{loops<float>, loops<double>};

}  // namespace

template <> const ColumnsTable& columns_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
