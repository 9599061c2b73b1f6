#include "kernels/columns.hpp"

#include "core/math.hpp"
#include "kernels/lane_sum.hpp"

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

// centers: whether the mean is taken away.
template <class Real, bool centers>
void rows_forward(const Real* x, const Real* gamma, const Real* beta, double epsilon, std::size_t rows, std::size_t n,
                  std::size_t groups, Real* xhat, Real* y, Real* inverse) {
  const std::size_t size = n / groups;
  for (std::size_t part = 0; part < rows * groups; ++part, x += size, xhat += size, y += size) {
    const std::size_t first = part % groups * size;
    const double mean =
        centers ? lane_sum<double>(size, [=](std::size_t j) INLINED { return double(x[j]); }) / double(size) : 0;
    const double variance = lane_sum<double>(size,
                                             [=](std::size_t j) INLINED {
                                               const double d = double(x[j]) - mean;
                                               return d * d;
                                             }) /
                            double(size);
    const Real center = Real(mean), factor = Real(1 / root(variance + epsilon));
    inverse[part] = factor;
#pragma omp simd
    for (std::size_t j = 0; j < size; ++j) {
      const Real value = (x[j] - center) * factor;
      xhat[j] = value;
      const Real scaled = gamma ? value * gamma[first + j] : value;
      y[j] = beta ? scaled + beta[first + j] : scaled;
    }
  }
}

template <class Real, bool centers>
void rows_backward(const Real* dy, const Real* gamma, const Real* inverse, std::size_t rows, std::size_t n,
                   std::size_t groups, Real* xhat, Real* dx) {
  const std::size_t size = n / groups;
  for (std::size_t part = 0; part < rows * groups; ++part, dy += size, xhat += size) {
    const std::size_t first = part % groups * size;
    const auto scaled = [=](std::size_t j) INLINED { return gamma ? dy[j] * gamma[first + j] : dy[j]; };
    if (dx) {
      const Real mean =
          centers
              ? Real(lane_sum<double>(size, [=](std::size_t j) INLINED { return double(scaled(j)); }) / double(size))
              : Real(0);
      const Real along =
          Real(lane_sum<double>(size, [=](std::size_t j) INLINED { return double(scaled(j)) * double(xhat[j]); }) /
               double(size));
      Real* const to = dx + part * size;
#pragma omp simd
      for (std::size_t j = 0; j < size; ++j) to[j] = inverse[part] * (scaled(j) - mean - xhat[j] * along);
    }
#pragma omp simd
    for (std::size_t j = 0; j < size; ++j) xhat[j] *= dy[j];
  }
}

// Groups of channels over the steps of a sample, some at a time: whole groups of `wide` channels together, or a larger
// one. What is known of each group is spread over `wide` channels, which is right for each block of them.
struct Groups {
  std::size_t steps, n, size;  // n: channels in all, of which a group has size

  template <class Work> HD void each(Work work) const {
    const std::size_t some = size < wide ? wide / size * size : size;
    for (std::size_t first = 0; first < n; first += some) work(first, n - first < some ? n - first : some);
  }
  // term(at, block, j), at = step n + block, summed over the steps and the channels of each group, over
  // the count of them -> means (wide)
  template <class Term> HD void means(std::size_t channels, double* means, Term term) const {
    double sums[wide] = {};
    for (std::size_t block = 0; block < channels; block += wide) {
      const std::size_t m = channels - block < wide ? channels - block : wide;
      double parts[wide] = {};
      for (std::size_t i = 0; i < steps; ++i) {
        const std::size_t at = i * n + block;
#pragma omp simd
        for (std::size_t j = 0; j < m; ++j) parts[j] += term(at, block, j);
      }
      for (std::size_t j = 0; j < m; ++j) sums[(block + j) / size] += parts[j];
    }
    for (std::size_t j = 0; j < wide; ++j) means[j] = sums[channels > wide ? 0 : j / size] / double(steps * size);
  }
  // work(at, channel, how many) for each block of each step, `channel` from 0
  template <class Work> HD void blocks(std::size_t channels, Work work) const {
    for (std::size_t i = 0; i < steps; ++i)
      for (std::size_t block = 0; block < channels; block += wide)
        work(i * n + block, block, channels - block < wide ? channels - block : wide);
  }
};

template <class Real>
void steps_forward(const Real* x, const Real* gamma, const Real* beta, double epsilon, std::size_t samples,
                   std::size_t steps, std::size_t n, std::size_t groups, Real* xhat, Real* y, Real* inverse) {
  const Groups parts{steps, n, n / groups};
  for (std::size_t sample = 0; sample < samples; ++sample) {
    const std::size_t start = sample * steps * n;
    parts.each([&](std::size_t first, std::size_t channels) INLINED {
      const Real* const from = x + start + first;
      double mean[wide], variance[wide];
      parts.means(channels, mean,
                  [&](std::size_t at, std::size_t, std::size_t j) INLINED { return double(from[at + j]); });
      parts.means(channels, variance, [&](std::size_t at, std::size_t, std::size_t j) INLINED {
        const double d = double(from[at + j]) - mean[j];
        return d * d;
      });
      Real center[wide], factor[wide];
      for (std::size_t j = 0; j < wide; ++j) {
        center[j] = Real(mean[j]);
        factor[j] = Real(1 / root(variance[j] + epsilon));
      }
      for (std::size_t j = 0; j < channels; j += parts.size)
        inverse[sample * groups + (first + j) / parts.size] = factor[channels > wide ? 0 : j];
      parts.blocks(channels, [&](std::size_t at, std::size_t block, std::size_t m) INLINED {
        Real *const to_xhat = xhat + start + first + at, *const to = y + start + first + at;
        const Real *const g = gamma ? gamma + first + block : nullptr, *const b = beta ? beta + first + block : nullptr;
#pragma omp simd
        for (std::size_t j = 0; j < m; ++j) {
          const Real value = (from[at + j] - center[j]) * factor[j];
          to_xhat[j] = value;
          const Real scaled = g ? value * g[j] : value;
          to[j] = b ? scaled + b[j] : scaled;
        }
      });
    });
  }
}

template <class Real>
void steps_backward(const Real* dy, const Real* gamma, const Real* inverse, std::size_t samples, std::size_t steps,
                    std::size_t n, std::size_t groups, Real* xhat, Real* dx) {
  const Groups parts{steps, n, n / groups};
  for (std::size_t sample = 0; sample < samples; ++sample) {
    const std::size_t start = sample * steps * n;
    parts.each([&](std::size_t first, std::size_t channels) INLINED {
      const Real* const from = dy + start + first;
      Real* const along_it = xhat + start + first;
      if (dx) {
        const auto scaled = [&](std::size_t at, std::size_t block, std::size_t j)
                                INLINED { return gamma ? from[at + j] * gamma[first + block + j] : from[at + j]; };
        double mean[wide], along[wide];
        parts.means(channels, mean, [&](std::size_t at, std::size_t block, std::size_t j) INLINED {
          return double(scaled(at, block, j));
        });
        parts.means(channels, along, [&](std::size_t at, std::size_t block, std::size_t j) INLINED {
          return double(scaled(at, block, j)) * double(along_it[at + j]);
        });
        Real center[wide], slope[wide], factor[wide];
        for (std::size_t j = 0; j < wide; ++j) {
          center[j] = Real(mean[j]);
          slope[j] = Real(along[j]);
          factor[j] = channels > wide || j < channels
                          ? inverse[sample * groups + first / parts.size + (channels > wide ? 0 : j / parts.size)]
                          : Real(0);
        }
        parts.blocks(channels, [&](std::size_t at, std::size_t block, std::size_t m) INLINED {
          Real* const to = dx + start + first + at;
#pragma omp simd
          for (std::size_t j = 0; j < m; ++j)
            to[j] = factor[j] * (scaled(at, block, j) - center[j] - along_it[at + j] * slope[j]);
        });
      }
      parts.blocks(channels, [&](std::size_t at, std::size_t, std::size_t m) INLINED {
#pragma omp simd
        for (std::size_t j = 0; j < m; ++j) along_it[at + j] *= from[at + j];
      });
    });
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
constexpr ColumnLoops<Real> loops{affine<Real>,
                                  batch_forward<Real>,
                                  batch_backward<Real>,
                                  rows_forward<Real, true>,
                                  rows_backward<Real, true>,
                                  rows_forward<Real, false>,
                                  rows_backward<Real, false>,
                                  steps_forward<Real>,
                                  steps_backward<Real>,
                                  leak_forward<Real>,
                                  leak_backward<Real>};
constexpr ColumnsTable table{loops<float>, loops<double>};

}  // namespace

template <> const ColumnsTable& columns_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
