#include "kernels/layers/merge.hpp"

#include "core/folds.hpp"
#include "core/math.hpp"

namespace gs {
namespace {

// -- elementwise
// -------------------------------------------------------------------------------------------------------

// value(a, b), and its gradients with respect to a and b, times g. uses_inputs: whether the gradients need a and b;
// nests: whether a loop over value(value(a, b), c) becomes vectors.
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
struct Larger {
  template <class Real> static HD Real of(Real a, Real b) { return larger(a, b); }
};
struct Smaller {
  template <class Real> static HD Real of(Real a, Real b) { return smaller(a, b); }
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

template <class Fold> constexpr bool averages = false;
template <> constexpr bool averages<Mean> = true;

constexpr std::size_t block = 1024;  // numbers that are worked on while they are in the nearest cache

template <class Fold, class Real>
void merge_forward(const Real* const* x, std::size_t inputs, std::size_t first, std::size_t n, Real* y) {
  const Real *a = x[0] + first, *b = x[1] + first;
  const Real count = Real(inputs);
  y += first;
  if (inputs == 2) {
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) {
      const Real v = Fold::value(a[i], b[i]);
      y[i] = averages<Fold> ? v / count : v;
    }
  } else if (inputs == 3 && Fold::nests) {
    const Real* c = x[2] + first;
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) {
      const Real v = Fold::value(Fold::value(a[i], b[i]), c[i]);
      y[i] = averages<Fold> ? v / count : v;
    }
  } else {
    Real folded[block];
    for (std::size_t at = 0; at < n; at += block) {
      const std::size_t m = n - at < block ? n - at : block;
#pragma omp simd
      for (std::size_t i = 0; i < m; ++i) folded[i] = Fold::value(a[at + i], b[at + i]);
      for (std::size_t k = 2; k < inputs; ++k) {
        const Real* next = x[k] + first + at;
#pragma omp simd
        for (std::size_t i = 0; i < m; ++i) folded[i] = Fold::value(folded[i], next[i]);
      }
#pragma omp simd
      for (std::size_t i = 0; i < m; ++i) y[at + i] = averages<Fold> ? folded[i] / count : folded[i];
    }
  }
}

template <class Fold, class Real>
void merge_backward(const Real* const* x, std::size_t inputs, std::size_t first, std::size_t n, const Real* dy,
                    Real* const* dx) {
  Real folded[block], gradient[block];
  const Real count = Real(inputs);
  for (std::size_t at = first, end = first + n; at < end; at += block) {
    const std::size_t m = end - at < block ? end - at : block;
    const Real* g = dy + at;
    if (averages<Fold>) {
#pragma omp simd
      for (std::size_t i = 0; i < m; ++i) gradient[i] = g[i] / count;
      g = gradient;
    }
    for (std::size_t k = inputs - 1; k > 0; --k) {
      const Real *a = g, *b = g;
      if (Fold::uses_inputs) {
        a = x[0] + at;
        b = x[k] + at;
        for (std::size_t j = 1; j < k; ++j) {  // all before input k
          const Real* next = x[j] + at;
#pragma omp simd
          for (std::size_t i = 0; i < m; ++i) folded[i] = Fold::value(a[i], next[i]);
          a = folded;
        }
      }
      if (Real* const to = dx[k] ? dx[k] + at : nullptr) {
#pragma omp simd
        for (std::size_t i = 0; i < m; ++i) to[i] = Fold::second(a[i], b[i], g[i]);
      }
      Real* const to = k > 1 ? gradient : dx[0] ? dx[0] + at : nullptr;
      if (!to || (k > 1 && !Fold::uses_inputs)) continue;
#pragma omp simd
      for (std::size_t i = 0; i < m; ++i) to[i] = Fold::first(a[i], b[i], g[i]);
      g = to;
    }
  }
}

// -- scalar products
// ---------------------------------------------------------------------------------------------------

template <class Real> void dot_forward(const Real* a, const Real* b, std::size_t rows, std::size_t n, Real* y) {
  for (std::size_t i = 0; i < rows; ++i, a += n, b += n)
    y[i] = sum_over<Real>(n, [=](std::size_t j) INLINED { return a[j] * b[j]; });
}

template <class Real> void dot_backward(const Real* dy, const Real* b, std::size_t rows, std::size_t n, Real* da) {
  for (std::size_t i = 0; i < rows; ++i, b += n, da += n) {
    const Real by = dy[i];
#pragma omp simd
    for (std::size_t j = 0; j < n; ++j) da[j] = by * b[j];
  }
}

template <class Real>
constexpr MergeLoops<Real> loops{
    {merge_forward<Sum, Real>, merge_forward<Difference, Real>, merge_forward<Multiplied, Real>,
     merge_forward<Mean, Real>, merge_forward<Chosen<Larger>, Real>, merge_forward<Chosen<Smaller>, Real>},
    {merge_backward<Sum, Real>, merge_backward<Difference, Real>, merge_backward<Multiplied, Real>,
     merge_backward<Mean, Real>, merge_backward<Chosen<Larger>, Real>, merge_backward<Chosen<Smaller>, Real>},
    dot_forward<Real>,
    dot_backward<Real>};
constexpr MergeTable table{loops<float>, loops<double>};

}  // namespace

template <> const MergeTable& merge_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
