#include "kernels/linear.hpp"

#include "core/math.hpp"

namespace gs {
namespace {

// Sums side by side, whatever the width of registers: the same bits on every instruction set.
constexpr std::size_t lanes = 16;
constexpr std::size_t line = 64;
// Into the second cache: the first can wait for few lines at a time, and then loads wait too.
constexpr int second_cache = 2;

// Added in pairs: in a row each would wait for the one before.
template <class Real> HD double whole(Real (&parts)[lanes]) {
  for (std::size_t half = lanes / 2; half > 0; half /= 2) {
#pragma omp simd
    for (std::size_t l = 0; l < half; ++l) parts[l] += parts[l + half];
  }
  return double(parts[0]);
}

// block(j, n): what to do with the numbers from j on, n of them: lanes, half as many, or what is left.
template <class Block> HD void in_blocks(std::size_t n, Block block) {
  std::size_t j = 0;
  for (; j + lanes <= n; j += lanes) block(j, lanes);
  if (j + lanes / 2 <= n) {
    block(j, lanes / 2);
    j += lanes / 2;
  }
  if (j < n) block(j, n - j);
}

template <class Real> double dot(const Real* w, const Real* x, std::size_t n) {
  Real sum[lanes] = {};
  in_blocks(n, [&](std::size_t j, std::size_t some) INLINED {
#pragma omp simd
    for (std::size_t l = 0; l < some; ++l) sum[l] += w[j + l] * x[j + l];
  });
  return whole(sum);
}

template <class Real> HD Real truncate(Real w, Real total, Real received) {
  const Real lower = w - (total + received), upper = w + (total - received);
  return w > 0 ? larger(Real(0), lower) : w < 0 ? smaller(Real(0), upper) : w;
}

template <bool truncated, bool averaged, class Real> RowSums step_of(const DenseStep<Real>& s) {
  const Real shrink = Real(s.shrink), along = Real(s.along), total = Real(s.total), take = Real(s.take),
             of_change = Real(s.truncated);
  const Real *const x = s.x, *const next = s.next;
  Real *const RESTRICT w = s.w, *const RESTRICT q = s.q, *const RESTRICT average = s.average;
  Real sum[lanes] = {}, squares[lanes] = {}, magnitudes[lanes] = {};
  in_blocks(s.n, [&](std::size_t j, std::size_t some) INLINED {
    for (std::size_t l = 0; l < lanes; l += line / sizeof(Real)) __builtin_prefetch(s.ahead + j + l, 0, second_cache);
#pragma omp simd
    for (std::size_t l = 0; l < some; ++l) {
      const std::size_t at = j + l;
      Real moved = shrink * w[at] + along * x[at];
      squares[l] += moved * moved;
      if constexpr (averaged) average[at] += take * (moved - average[at]);
      if constexpr (truncated) {
        magnitudes[l] += magnitude(moved);
        const Real cut = truncate(moved, total, q[at]);
        q[at] += cut - moved;
        if constexpr (averaged) average[at] += of_change * (cut - moved);
        moved = cut;
      }
      w[at] = moved;
      sum[l] += moved * next[at];
    }
  });
  return {whole(sum), whole(squares), whole(magnitudes)};
}

template <class Real> RowSums step(const DenseStep<Real>& s) {
  return s.q         ? s.average ? step_of<true, true>(s) : step_of<true, false>(s)
         : s.average ? step_of<false, true>(s)
                     : step_of<false, false>(s);
}

// Other threads may write into a matrix while it is read: a column is compared where it is used.
template <class Real> bool sparse_dot(const SparseRow<Real>& x, const Real* w, double& sum) {
  double parts[4] = {};
  std::size_t k = 0;
  for (; k + 4 <= x.n; k += 4)
    for (std::size_t l = 0; l < 4; ++l) {
      const auto column = std::uint32_t(x.columns[k + l]);
      if (column >= x.width) return false;
      parts[l] += double(w[column]) * double(x.values[k + l]);
    }
  for (; k < x.n; ++k) {
    const auto column = std::uint32_t(x.columns[k]);
    if (column >= x.width) return false;
    parts[0] += double(w[column]) * double(x.values[k]);
  }
  sum = (parts[0] + parts[1]) + (parts[2] + parts[3]);
  return true;
}

template <class Real> bool sparse_add(const SparseRow<Real>& x, Real along, Real* w, RowSums& reached) {
  double squares[4] = {}, magnitudes[4] = {};
  const auto move = [&](std::size_t k, std::size_t l) INLINED {
    const auto column = std::uint32_t(x.columns[k]);
    if (column >= x.width) return false;
    const Real moved = w[column] + x.values[k] * along;
    w[column] = moved;
    squares[l] += double(moved) * double(moved);
    magnitudes[l] += magnitude(double(moved));
    return true;
  };
  std::size_t k = 0;
  for (; k + 4 <= x.n; k += 4)
    for (std::size_t l = 0; l < 4; ++l)
      if (!move(k + l, l)) return false;
  for (; k < x.n; ++k)
    if (!move(k, 0)) return false;
  reached = {0, (squares[0] + squares[1]) + (squares[2] + squares[3]),
             (magnitudes[0] + magnitudes[1]) + (magnitudes[2] + magnitudes[3])};
  return true;
}

template <class Real> bool sparse_truncate(const SparseRow<Real>& x, double total, double scale, Real* w, Real* q) {
  for (std::size_t k = 0; k < x.n; ++k) {
    const auto column = std::uint32_t(x.columns[k]);
    if (column >= x.width) return false;
    const double before = double(w[column]) * scale;
    const double cut = truncate(before, total, double(q[column]));
    w[column] = Real(cut / scale);
    q[column] += Real(cut - before);
  }
  return true;
}

template <class Real>
constexpr LinearLoops<Real> loops{dot<Real>, step<Real>, sparse_dot<Real>, sparse_add<Real>, sparse_truncate<Real>};
constexpr LinearTable table{loops<float>, loops<double>};

}  // namespace

template <> const LinearTable& linear_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
