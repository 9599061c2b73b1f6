#include "kernels/layers/strided_copy.hpp"

#include "core/folds.hpp"

namespace gs {
namespace {

using Axis = StridedViews::Axis;

template <bool adds, class Real>
HD void run(std::size_t n, const Real* x, std::ptrdiff_t source, Real* y, std::ptrdiff_t target) {
  for (std::size_t j = 0; j < n; ++j) {
    Real& to = y[std::ptrdiff_t(j) * target];
    const Real from = x[std::ptrdiff_t(j) * source];
    to = adds ? to + from : from;
  }
}

// Two axes of which numbers are side by side along one where they are read, along the other where they are written. A
// few of the strided lines of memory at a time, which stay in the nearest cache: as many as may fall into one set of
// it.
template <bool adds, class Real> HD void transpose(const Axis& outer, const Axis& inner, const Real* x, Real* y) {
  constexpr std::size_t lines = 4;
  for (std::size_t j = 0; j < inner.size;
       j += lines, x += std::ptrdiff_t(lines) * inner.source, y += std::ptrdiff_t(lines) * inner.target) {
    const std::size_t n = inner.size - j < lines ? inner.size - j : lines;
    for (std::size_t i = 0; i < outer.size; ++i) {
      const Real* const from = x + std::ptrdiff_t(i) * outer.source;
      Real* const to = y + std::ptrdiff_t(i) * outer.target;
      if (n == lines)
        run<adds>(lines, from, inner.source, to, inner.target);
      else
        run<adds>(n, from, inner.source, to, inner.target);
    }
  }
}

// One axis of two views, for each step along another.
template <bool adds, class Real> HD void plane(const Axis& outer, const Axis& inner, const Real* x, Real* y) {
  const std::size_t n = inner.size;
  const bool across = (outer.source == 1 && inner.target == 1 && inner.source > 1) ||
                      (outer.target == 1 && inner.source == 1 && inner.target > 1);
  if (across) return transpose<adds>(outer, inner, x, y);
  const std::ptrdiff_t source = inner.source, target = inner.target;
  for (std::size_t i = 0; i < outer.size; ++i, x += outer.source, y += outer.target) {
    if (target == 1 && source == 1) {
#pragma omp simd
      for (std::size_t j = 0; j < n; ++j) y[j] = adds ? y[j] + x[j] : x[j];
    } else if (target == 1 && source == 0) {
      const Real value = *x;
#pragma omp simd
      for (std::size_t j = 0; j < n; ++j) y[j] = adds ? y[j] + value : value;
    } else if (target == 0 && source == 1) {
      *y += sum_over<Real>(n, [&](std::size_t j) INLINED { return x[j]; });
    } else {
      run<adds>(n, x, source, y, target);
    }
  }
}

// The last two axes, for each place along the others.
template <bool adds, class Real> HD void walk(const Axis* axis, std::size_t rank, const Real* x, Real* y) {
  std::size_t at[StridedViews::most + 1] = {};
  for (;;) {
    plane<adds>(axis[rank - 2], axis[rank - 1], x, y);
    std::size_t k = rank - 2;
    for (; k > 0; --k) {
      const Axis& a = axis[k - 1];
      x += a.source;
      y += a.target;
      if (++at[k - 1] < a.size) break;
      at[k - 1] = 0;
      x -= std::ptrdiff_t(a.size) * a.source;
      y -= std::ptrdiff_t(a.size) * a.target;
    }
    if (k == 0) return;
  }
}

template <class Real>
void strided_copy(const StridedViews& views, const Real* x, std::size_t source_size, Real* y, std::size_t target_size,
                  std::size_t count) {
  // The samples are an axis in front; axes that follow one another in memory are walked along as one.
  Axis axis[StridedViews::most + 2] = {{1, 0, 0}, {count, std::ptrdiff_t(source_size), std::ptrdiff_t(target_size)}};
  std::size_t rank = 2;
  bool adds = false;
  for (std::size_t k = 0; k < views.rank; ++k) {
    const Axis& next = views.axis[k];
    Axis& last = axis[rank - 1];
    if (next.size == 1) continue;
    const auto size = std::ptrdiff_t(next.size);
    adds = adds || next.target == 0;
    if (last.size == 1 || (last.source == size * next.source && last.target == size * next.target))
      last = {last.size * next.size, next.source, next.target};
    else
      axis[rank++] = next;
  }
  x += views.source_offset;
  y += views.target_offset;
  if (adds)
    walk<true>(axis, rank, x, y);
  else
    walk<false>(axis, rank, x, y);
}

constexpr StridedCopyTable table{strided_copy<float>, strided_copy<double>};

}  // namespace

template <> const StridedCopyTable& strided_copy_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
