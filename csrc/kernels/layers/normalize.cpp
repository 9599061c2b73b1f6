#include "kernels/layers/normalize.hpp"

#include <limits>

#include "core/folds.hpp"
#include "core/math.hpp"

namespace gs {
namespace {

constexpr std::size_t wide = 64;  // columns side by side, whatever the width of registers: the same bits everywhere

// 1 over what the `count` numbers of a part are divided by, of which `squares` is the sum of the squares times by^2.
template <Scale scale> HD double inverse_scale(double squares, double by, std::size_t count, double epsilon) {
  if (scale != Scale::length) return 1 / root(squares / double(count) + epsilon);
  return by / root(squares < epsilon * by * by ? epsilon * by * by : squares);
}

// What numbers are to be multiplied by before their squares are summed: `sum(1)` is that sum, if it is finite.
template <class Real, Scale scale> HD bool overflows(double squares) {
  return sizeof(Real) == 8 && scale == Scale::length && squares > std::numeric_limits<double>::max();
}
constexpr double smaller_by = 0x1p-600;

// -- of one step: a part is numbers side by side
// -----------------------------------------------------------------------

template <class Real, Scale scale>
void row_forward(const Real* x, const Real* gamma, const Real* beta, const RowParts& parts, std::size_t samples,
                 Real* xhat, Real* y, Real* inverse) {
  const std::size_t size = parts.n / parts.groups;
  for (std::size_t part = 0; part < samples * parts.groups; ++part, x += size, xhat += size, y += size) {
    const std::size_t first = part % parts.groups * size;
    const double mean = scale == Scale::deviation
                            ? sum_over<double>(size, [=](std::size_t j) INLINED { return double(x[j]); }) / double(size)
                            : 0;
    const auto squares_by = [=](double by) INLINED {
      return sum_over<double>(size, [=](std::size_t j) INLINED {
        const double d = (double(x[j]) - mean) * by;
        return d * d;
      });
    };
    double by = 1, squares = squares_by(1);
    if (overflows<Real, scale>(squares)) squares = squares_by(by = smaller_by);
    const Real center = Real(mean), factor = Real(inverse_scale<scale>(squares, by, size, parts.epsilon));
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

// What `along`, the sum of dy gamma xhat over a part, takes from dx, in multiples of xhat.
template <class Real, Scale scale> HD Real slope(double along, Real inverse, std::size_t count, double epsilon) {
  if (scale != Scale::length) return Real(along / double(count));
  return inverse < Real(1 / root(epsilon)) ? Real(along) : Real(0);  // a part at the bound is only multiplied
}

template <class Real, Scale scale>
void row_backward(const Real* dy, const Real* gamma, const Real* inverse, const RowParts& parts, std::size_t samples,
                  Real* xhat, Real* dx) {
  const std::size_t size = parts.n / parts.groups;
  for (std::size_t part = 0; part < samples * parts.groups; ++part, dy += size, xhat += size) {
    const std::size_t first = part % parts.groups * size;
    const auto scaled = [=](std::size_t j) INLINED { return gamma ? dy[j] * gamma[first + j] : dy[j]; };
    if (dx) {
      const Real mean =
          scale == Scale::deviation
              ? Real(sum_over<double>(size, [=](std::size_t j) INLINED { return double(scaled(j)); }) / double(size))
              : Real(0);
      const Real along = slope<Real, scale>(
          sum_over<double>(size, [=](std::size_t j) INLINED { return double(scaled(j)) * double(xhat[j]); }),
          inverse[part], size, parts.epsilon);
      Real* const to = dx + part * size;
#pragma omp simd
      for (std::size_t j = 0; j < size; ++j) to[j] = inverse[part] * (scaled(j) - mean - xhat[j] * along);
    }
#pragma omp simd
    for (std::size_t j = 0; j < size; ++j) xhat[j] *= dy[j];
  }
}

// -- of several steps
// --------------------------------------------------------------------------------------------------

// Groups of channels over the steps of a sample, some at a time: whole groups of `wide` channels together, or a larger
// one. What is known of each group is spread over `wide` channels, which is right for each block of them.
struct Groups {
  std::size_t steps, n, size;  // n: channels in all, of which a group has size

  template <class Work> HD void each(Work work) const {
    const std::size_t some = size < wide ? wide / size * size : size;
    for (std::size_t first = 0; first < n; first += some) work(first, n - first < some ? n - first : some);
  }
  // term(at, block, j), at = step n + block, summed over the steps and the channels of each group -> sums (wide)
  template <class Term> HD void sums(std::size_t channels, double* sums, Term term) const {
    double all[wide] = {};
    for (std::size_t block = 0; block < channels; block += wide) {
      const std::size_t m = channels - block < wide ? channels - block : wide;
      double parts[wide] = {};
      for (std::size_t i = 0; i < steps; ++i) {
        const std::size_t at = i * n + block;
#pragma omp simd
        for (std::size_t j = 0; j < m; ++j) parts[j] += term(at, block, j);
      }
      for (std::size_t j = 0; j < m; ++j) all[(block + j) / size] += parts[j];
    }
    for (std::size_t j = 0; j < wide; ++j) sums[j] = all[channels > wide ? 0 : j / size];
  }
  // work(at, channel, how many) for each block of each step, `channel` from 0
  template <class Work> HD void blocks(std::size_t channels, Work work) const {
    for (std::size_t i = 0; i < steps; ++i)
      for (std::size_t block = 0; block < channels; block += wide)
        work(i * n + block, block, channels - block < wide ? channels - block : wide);
  }
};

template <class Real, Scale scale>
void steps_forward(const Real* x, const Real* gamma, const Real* beta, const RowParts& parts, std::size_t samples,
                   Real* xhat, Real* y, Real* inverse) {
  const Groups groups{parts.steps, parts.n, parts.n / parts.groups};
  const std::size_t count = groups.steps * groups.size;
  for (std::size_t sample = 0; sample < samples; ++sample) {
    const std::size_t start = sample * parts.steps * parts.n;
    groups.each([&](std::size_t first, std::size_t channels) INLINED {
      const Real* const from = x + start + first;
      double mean[wide] = {}, squares[wide];
      if (scale == Scale::deviation) {
        groups.sums(channels, mean,
                    [&](std::size_t at, std::size_t, std::size_t j) INLINED { return double(from[at + j]); });
        for (double& one : mean) one /= double(count);
      }
      const auto sum_squares = [&](double by) INLINED {
        groups.sums(channels, squares, [&](std::size_t at, std::size_t, std::size_t j) INLINED {
          const double d = (double(from[at + j]) - mean[j]) * by;
          return d * d;
        });
      };
      double by = 1;
      sum_squares(1);
      bool are_too_large = false;
      for (const double one : squares) are_too_large |= overflows<Real, scale>(one);
      if (are_too_large) sum_squares(by = smaller_by);
      Real center[wide], factor[wide];
      for (std::size_t j = 0; j < wide; ++j) {
        center[j] = Real(mean[j]);
        factor[j] = Real(inverse_scale<scale>(squares[j], by, count, parts.epsilon));
      }
      for (std::size_t j = 0; j < channels; j += groups.size)
        inverse[sample * parts.groups + (first + j) / groups.size] = factor[channels > wide ? 0 : j];
      groups.blocks(channels, [&](std::size_t at, std::size_t block, std::size_t m) INLINED {
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

template <class Real, Scale scale>
void steps_backward(const Real* dy, const Real* gamma, const Real* inverse, const RowParts& parts, std::size_t samples,
                    Real* xhat, Real* dx) {
  const Groups groups{parts.steps, parts.n, parts.n / parts.groups};
  const std::size_t count = groups.steps * groups.size;
  for (std::size_t sample = 0; sample < samples; ++sample) {
    const std::size_t start = sample * parts.steps * parts.n;
    groups.each([&](std::size_t first, std::size_t channels) INLINED {
      const Real* const from = dy + start + first;
      Real* const hat = xhat + start + first;
      if (dx) {
        const auto scaled = [&](std::size_t at, std::size_t block, std::size_t j)
                                INLINED { return gamma ? from[at + j] * gamma[first + block + j] : from[at + j]; };
        double mean[wide] = {}, along[wide];
        if (scale == Scale::deviation)
          groups.sums(channels, mean, [&](std::size_t at, std::size_t block, std::size_t j) INLINED {
            return double(scaled(at, block, j));
          });
        groups.sums(channels, along, [&](std::size_t at, std::size_t block, std::size_t j) INLINED {
          return double(scaled(at, block, j)) * double(hat[at + j]);
        });
        Real center[wide], slopes[wide], factor[wide];
        for (std::size_t j = 0; j < wide; ++j) {
          const std::size_t group = first / groups.size + (channels > wide || j >= channels ? 0 : j / groups.size);
          factor[j] = inverse[sample * parts.groups + group];
          center[j] = Real(mean[j] / double(count));
          slopes[j] = slope<Real, scale>(along[j], factor[j], count, parts.epsilon);
        }
        groups.blocks(channels, [&](std::size_t at, std::size_t block, std::size_t m) INLINED {
          Real* const to = dx + start + first + at;
#pragma omp simd
          for (std::size_t j = 0; j < m; ++j)
            to[j] = factor[j] * (scaled(at, block, j) - center[j] - hat[at + j] * slopes[j]);
        });
      }
      groups.blocks(channels, [&](std::size_t at, std::size_t, std::size_t m) INLINED {
#pragma omp simd
        for (std::size_t j = 0; j < m; ++j) hat[at + j] *= from[at + j];
      });
    });
  }
}

// -- of either
// ---------------------------------------------------------------------------------------------------------

template <class Real, Scale scale>
void forward(const Real* x, const Real* gamma, const Real* beta, const RowParts& parts, std::size_t samples, Real* xhat,
             Real* y, Real* inverse) {
  (parts.steps == 1 ? row_forward<Real, scale> : steps_forward<Real, scale>)(x, gamma, beta, parts, samples, xhat, y,
                                                                             inverse);
}

template <class Real, Scale scale>
void backward(const Real* dy, const Real* gamma, const Real* inverse, const RowParts& parts, std::size_t samples,
              Real* xhat, Real* dx) {
  (parts.steps == 1 ? row_backward<Real, scale> : steps_backward<Real, scale>)(dy, gamma, inverse, parts, samples, xhat,
                                                                               dx);
}

template <class Real>
constexpr NormalizeLoops<Real> loops{
    {forward<Real, Scale::deviation>, forward<Real, Scale::root_mean_square>, forward<Real, Scale::length>},
    {backward<Real, Scale::deviation>, backward<Real, Scale::root_mean_square>, backward<Real, Scale::length>}};
constexpr NormalizeTable table{loops<float>, loops<double>};

}  // namespace

template <> const NormalizeTable& normalize_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
