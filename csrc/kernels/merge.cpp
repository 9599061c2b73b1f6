#include "kernels/merge.hpp"

#include "core/math.hpp"

namespace gs {
namespace {

// -- elementwise
// -------------------------------------------------------------------------------------------------------

// value(a, b), and its gradients with respect to a and b, times g. uses_inputs: whether the gradients need a and b;
// nests: whether a loop over value(value(a, b), c) has no branches.
struct Sum {
  static constexpr bool uses_inputs = false, nests = true;
  template <class Real> static HD Real value(Real a, Real b) { return a + b; }
  template <class Real> static HD Real first(Real, Real, Real g) { return g; }
  template <class Real> static HD Real second(Real, Real, Real g) { return g; }
};
struct Mean : Sum {};
struct Difference {
  static constexpr bool uses_inputs = false, nests = true;
  template <class Real> static HD Real value(Real a, Real b) { return a - b; }
  template <class Real> static HD Real first(Real, Real, Real g) { return g; }
  template <class Real> static HD Real second(Real, Real, Real g) { return -g; }
};
struct Multiplied {
  static constexpr bool uses_inputs = true, nests = true;
  template <class Real> static HD Real value(Real a, Real b) { return a * b; }
  template <class Real> static HD Real first(Real, Real b, Real g) { return g * b; }
  template <class Real> static HD Real second(Real a, Real, Real g) { return g * a; }
};
template <class Extreme> struct Chosen {
  static constexpr bool uses_inputs = true, nests = false;
  template <class Real> static HD Real value(Real a, Real b) { return Extreme::of(a, b); }
  template <class Real> static HD Real share(Real a, Real b) {
    const Real whole = a == Extreme::of(a, b) ? Real(1) : Real(0);
    return a == b ? Real(0.5) : whole;
  }
  template <class Real> static HD Real first(Real a, Real b, Real g) { return g * share(a, b); }
  template <class Real> static HD Real second(Real a, Real b, Real g) { return g * (1 - share(a, b)); }
};
struct Larger {
  template <class Real> static HD Real of(Real a, Real b) { return larger(a, b); }
};
struct Smaller {
  template <class Real> static HD Real of(Real a, Real b) { return smaller(a, b); }
};

template <class Fold> constexpr bool averages = false;
template <> constexpr bool averages<Mean> = true;

constexpr std::size_t block = 1024;  // numbers that are worked on while they are in the nearest cache

template <class Fold, class Real> void merge_forward(const Real* const* x, std::size_t inputs, std::size_t n, Real* y) {
  const Real *a = x[0], *b = x[1], *c = inputs == 3 ? x[2] : x[0];
  const Real count = Real(inputs);
  if (inputs == 2) {
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) {
      const Real v = Fold::value(a[i], b[i]);
      y[i] = averages<Fold> ? v / count : v;
    }
  } else if (inputs == 3 && Fold::nests) {
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) {
      const Real v = Fold::value(Fold::value(a[i], b[i]), c[i]);
      y[i] = averages<Fold> ? v / count : v;
    }
  } else {
    Real sofar[block];  // y may be an input that is not read yet
    for (std::size_t at = 0; at < n; at += block) {
      const std::size_t m = n - at < block ? n - at : block;
#pragma omp simd
      for (std::size_t i = 0; i < m; ++i) sofar[i] = Fold::value(a[at + i], b[at + i]);
      for (std::size_t k = 2; k < inputs; ++k) {
        const Real* next = x[k] + at;
#pragma omp simd
        for (std::size_t i = 0; i < m; ++i) sofar[i] = Fold::value(sofar[i], next[i]);
      }
#pragma omp simd
      for (std::size_t i = 0; i < m; ++i) y[at + i] = averages<Fold> ? sofar[i] / count : sofar[i];
    }
  }
}

// term(i) -> to (n), or added to it
template <class Real, class Term> HD void put(Real* to, std::size_t n, bool adds, Term term) {
  if (adds) {
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) to[i] += term(i);
  } else {
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) to[i] = term(i);
  }
}

// Whether the gradient of an input is added to what is there. The last one is the first to be written.
template <class Real> HD bool is_added(Real* const* dx, std::size_t inputs, const bool* adds, std::size_t k) {
  for (std::size_t later = k + 1; later < inputs; ++later)
    if (dx[later] == dx[k]) return true;
  for (std::size_t first = 0; first < k; ++first)
    if (dx[first] == dx[k]) return adds[first];
  return adds[k];
}

template <class Fold, class Real>
void merge_backward(const Real* const* x, std::size_t inputs, std::size_t n, const Real* dy, Real* const* dx,
                    const bool* adds) {
  Real before[block], copy[block];
  const Real count = Real(inputs);
  bool copies = averages<Fold>;
  for (std::size_t k = 1; k < inputs; ++k) copies = copies || dx[k] == dy;
  for (std::size_t at = 0; at < n; at += block) {
    const std::size_t m = n - at < block ? n - at : block;
    const Real* g = dy + at;
    if (copies) {
#pragma omp simd
      for (std::size_t i = 0; i < m; ++i) copy[i] = averages<Fold> ? g[i] / count : g[i];
      g = copy;
    }
    for (std::size_t k = inputs - 1; k > 0; --k) {
      const Real *a = g, *b = g;
      if (Fold::uses_inputs) {
        a = x[0] + at;
        b = x[k] + at;
        for (std::size_t j = 1; j < k; ++j) {  // all before this one, folded
          const Real* next = x[j] + at;
#pragma omp simd
          for (std::size_t i = 0; i < m; ++i) before[i] = Fold::value(a[i], next[i]);
          a = before;
        }
      }
      if (dx[k])
        put(dx[k] + at, m, is_added(dx, inputs, adds, k),
            [&](std::size_t i) INLINED { return Fold::second(a[i], b[i], g[i]); });
      if (k == 1) {
        if (dx[0])
          put(dx[0] + at, m, is_added(dx, inputs, adds, 0),
              [&](std::size_t i) INLINED { return Fold::first(a[i], b[i], g[i]); });
      } else if (Fold::uses_inputs) {
#pragma omp simd
        for (std::size_t i = 0; i < m; ++i) copy[i] = Fold::first(a[i], b[i], g[i]);
        g = copy;
      }
    }
  }
}

// -- copies
// ------------------------------------------------------------------------------------------------------------

constexpr std::size_t lanes = 16;  // of the sums along a row, whatever the width of registers: the same bits everywhere

// term(j), j in [0, n), summed in lanes
template <class Total, class Term> HD Total sum(std::size_t n, Term term) {
  Total parts[lanes] = {};
  std::size_t j = 0;
  for (; j + lanes <= n; j += lanes) {
#pragma omp simd
    for (std::size_t l = 0; l < lanes; ++l) parts[l] += term(j + l);
  }
  for (std::size_t l = 0; j + l < n; ++l) parts[l] += term(j + l);
  Total whole = 0;
  for (const Total part : parts) whole += part;
  return whole;
}

// One axis of two views, for each step along another.
template <bool adds, class Real>
HD void plane(const StridedViews::Axis& outer, const StridedViews::Axis& inner, const Real* x, Real* y) {
  const std::size_t n = inner.size;
  const std::ptrdiff_t source = inner.source, target = inner.target;
  for (std::size_t i = 0; i < outer.size; ++i, x += outer.source, y += outer.target) {
    if (target == 0) {
      if (source == 1)
        *y += Real(sum<Real>(n, [&](std::size_t j) INLINED { return x[j]; }));
      else
        for (std::size_t j = 0; j < n; ++j) *y += x[std::ptrdiff_t(j) * source];
    } else if (target == 1 && source == 1) {
#pragma omp simd
      for (std::size_t j = 0; j < n; ++j) y[j] = adds ? y[j] + x[j] : x[j];
    } else if (target == 1 && source == 0) {
      const Real value = *x;
#pragma omp simd
      for (std::size_t j = 0; j < n; ++j) y[j] = adds ? y[j] + value : value;
    } else {
      const Real* from = x;
      Real* to = y;
      for (std::size_t j = 0; j < n; ++j, from += source, to += target) *to = adds ? *to + *from : *from;
    }
  }
}

template <bool adds, class Real> HD void walk(const StridedViews::Axis* axis, int rank, const Real* x, Real* y) {
  std::size_t at[StridedViews::most + 1] = {};
  for (;;) {
    plane<adds>(axis[rank - 2], axis[rank - 1], x, y);
    int k = rank - 3;
    for (; k >= 0; --k) {
      x += axis[k].source;
      y += axis[k].target;
      if (++at[k] < axis[k].size) break;
      at[k] = 0;
      x -= std::ptrdiff_t(axis[k].size) * axis[k].source;
      y -= std::ptrdiff_t(axis[k].size) * axis[k].target;
    }
    if (k < 0) return;
  }
}

template <class Real>
void strided_copy(const StridedViews& views, const Real* x, std::size_t source_size, Real* y, std::size_t target_size,
                  std::size_t count, bool adds) {
  using Axis = StridedViews::Axis;
  // The samples are an axis in front; axes that follow one another in memory are walked along as one.
  Axis axis[StridedViews::most + 2];
  int rank = 1;
  axis[0] = {count, std::ptrdiff_t(source_size), std::ptrdiff_t(target_size)};
  bool sums = false;
  for (int k = 0; k < views.rank; ++k) {
    const Axis& next = views.axis[k];
    Axis& last = axis[rank - 1];
    if (next.size == 0) return;
    if (next.size == 1) continue;
    sums = sums || next.target == 0;
    const auto size = std::ptrdiff_t(next.size);
    if (last.size == 1 || (last.source == size * next.source && last.target == size * next.target))
      last = {last.size * next.size, next.source, next.target};
    else
      axis[rank++] = next;
  }
  if (count == 0) return;
  if (rank == 1) {
    axis[1] = axis[0];
    axis[0] = {1, 0, 0};
    rank = 2;
  }
  x += views.source_offset;
  y += views.target_offset;
  if (adds || sums)
    walk<true>(axis, rank, x, y);
  else
    walk<false>(axis, rank, x, y);
}

// -- products of rows
// --------------------------------------------------------------------------------------------------

constexpr double least_square = 1e-14;  // of a row that is made longer by its length alone, as in Keras

template <class Real> void unit_forward(const Real* x, std::size_t rows, std::size_t n, Real* unit, Real* factor) {
  for (std::size_t i = 0; i < rows; ++i, x += n, unit += n) {
    const double square = sum<double>(n, [=](std::size_t j) INLINED { return double(x[j]) * double(x[j]); });
    const Real by = factor[i] = Real(1 / root(square < least_square ? least_square : square));
#pragma omp simd
    for (std::size_t j = 0; j < n; ++j) unit[j] = x[j] * by;
  }
}

template <class Real>
void unit_backward(const Real* unit, const Real* factor, std::size_t rows, std::size_t n, Real* dunit) {
  const Real bound = Real(1 / root(least_square));
  for (std::size_t i = 0; i < rows; ++i, unit += n, dunit += n) {
    const double dot = sum<double>(n, [=](std::size_t j) INLINED { return double(unit[j]) * double(dunit[j]); });
    // A row at the bound is only scaled, and its factor has no gradient.
    const Real along = factor[i] < bound ? Real(dot) : Real(0), by = factor[i];
#pragma omp simd
    for (std::size_t j = 0; j < n; ++j) dunit[j] = by * (dunit[j] - along * unit[j]);
  }
}

template <class Real> void dot_forward(const Real* a, const Real* b, std::size_t rows, std::size_t n, Real* y) {
  for (std::size_t i = 0; i < rows; ++i, a += n, b += n)
    y[i] = Real(sum<double>(n, [=](std::size_t j) INLINED { return double(a[j]) * double(b[j]); }));
}

template <class Real>
void dot_backward(const Real* dy, const Real* b, std::size_t rows, std::size_t n, Real* da, bool adds) {
  for (std::size_t i = 0; i < rows; ++i, b += n, da += n)
    put(da, n, adds, [by = dy[i], b](std::size_t j) INLINED { return by * b[j]; });
}

template <class Real>
constexpr MergeLoops<Real> loops{
    {merge_forward<Sum, Real>, merge_forward<Difference, Real>, merge_forward<Multiplied, Real>,
     merge_forward<Mean, Real>, merge_forward<Chosen<Larger>, Real>, merge_forward<Chosen<Smaller>, Real>},
    {merge_backward<Sum, Real>, merge_backward<Difference, Real>, merge_backward<Multiplied, Real>,
     merge_backward<Mean, Real>, merge_backward<Chosen<Larger>, Real>, merge_backward<Chosen<Smaller>, Real>},
    strided_copy<Real>,
    unit_forward<Real>,
    unit_backward<Real>,
    dot_forward<Real>,
    dot_backward<Real>};
constexpr MergeTable table{loops<float>, loops<double>};

}  // namespace

template <> const MergeTable& merge_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
