#include "kernels/layers/attention.hpp"

#include "core/math.hpp"
#include "kernels/simd.hpp"

namespace gs {
namespace {

// How many keys query t may see: those from there on are 0.
template <class Real> HD std::size_t reach(const AttentionMask<Real>& mask, std::size_t t) {
  return mask.causal && t + 1 < mask.keys ? t + 1 : mask.keys;
}

template <class Real> HD bool is_seen(const AttentionMask<Real>& mask, std::size_t t, std::size_t s) {
  return (!mask.key_mask || mask.key_mask[s] != 0) & (!mask.mask || mask.mask[t * mask.keys + s] != 0);
}

template <class Real> HD bool sees_any(const AttentionMask<Real>& mask, std::size_t t) {
  if (mask.query_mask && mask.query_mask[t] == 0) return false;
  if (!mask.key_mask && !mask.mask) return true;
  for (std::size_t s = 0; s < reach(mask, t); ++s)
    if (is_seen(mask, t, s)) return true;
  return false;
}

// Folds x (n) in partial results, as many whatever the width of registers, and these by halves: short rows wait for
// little.
constexpr int lanes = 16;
template <class Real, class Fold, int half = lanes / 2, class Vector> HD Real fold_halves(Vector v, Fold two) {
  if constexpr (half == 0)
    return v[0];
  else
    return fold_halves<Real, Fold, half / 2>(two(v, moved<half>(v)), two);
}
template <class Real, class Fold> HD Real fold_lanes(const Real* parts, Fold two) {
  constexpr int wide = Simd<Real>::lanes < lanes ? Simd<Real>::lanes : lanes, count = lanes / wide;
  typename Simd<Real>::Vector all[count];
#pragma GCC unroll 8
  for (int k = 0; k < count; ++k) all[k] = load(parts + k * wide);
#pragma GCC unroll 8
  for (int half = count / 2; half > 0; half /= 2)
#pragma GCC unroll 8
    for (int k = 0; k < half; ++k) all[k] = two(all[k], all[k + half]);
  return fold_halves<Real, Fold, wide / 2>(all[0], two);
}
template <class Real, class Term, class Fold> HD Real fold(std::size_t n, Real start, Term term, Fold two) {
  Real parts[lanes];
#pragma omp simd
  for (int l = 0; l < lanes; ++l) parts[l] = start;
  std::size_t j = 0;
  for (; j + lanes <= n; j += lanes) {
#pragma omp simd
    for (int l = 0; l < lanes; ++l) parts[l] = two(parts[l], term(j + std::size_t(l)));
  }
  for (std::size_t l = 0; j + l < n; ++l) parts[l] = two(parts[l], term(j + l));
  return fold_lanes(parts, two);
}
struct Add {
  template <class T> HD T operator()(T a, T b) const { return a + b; }
};
struct Larger {
  template <class T> HD T operator()(T a, T b) const { return a > b ? a : b; }
};
template <class Real, class Term> HD Real sum_of(std::size_t n, Term term) { return fold(n, Real(0), term, Add{}); }

// Some rows side by side: each waits for its largest number, and for its sum.
constexpr std::size_t some = 4;

template <class Real> void softmax(const AttentionMask<Real>& mask, Real scale, Real* p) {
  for (std::size_t first = 0; first < mask.queries; first += some) {
    const std::size_t count = mask.queries - first < some ? mask.queries - first : some;
    std::size_t n[some];
    Real by[some], number[some];  // by what scores are multiplied; the largest of a row; then 1 over its sum
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t t = first + i;
      Real* const row = p + i * mask.keys;
      n[i] = reach(mask, t);
      by[i] = scale;
      if (!sees_any(mask, t)) {
        const Real share = mask.zeroes ? Real(0) : 1 / Real(mask.keys);
        for (std::size_t s = 0; s < mask.keys; ++s) row[s] = share;
        n[i] = 0;
        continue;
      }
      if (mask.key_mask || mask.mask) {
        for (std::size_t s = 0; s < n[i]; ++s) row[s] = is_seen(mask, t, s) ? row[s] * scale : -Real(__builtin_inf());
        by[i] = 1;
      }
      const Real factor = by[i];
      number[i] = fold(n[i], -Real(__builtin_inf()), [=](std::size_t s) INLINED { return row[s] * factor; }, Larger{});
    }
    for (std::size_t i = 0; i < count; ++i) {
      if (n[i] == 0) continue;
      Real* const row = p + i * mask.keys;
      const Real factor = by[i], most = number[i];
      number[i] = 1 / sum_of<Real>(n[i], [=](std::size_t s)
                                             INLINED { return row[s] = exp_nonpositive(row[s] * factor - most); });
    }
    for (std::size_t i = 0; i < count; ++i, p += mask.keys) {
      if (n[i] == 0) continue;
      const Real over = number[i];
#pragma omp simd
      for (std::size_t s = 0; s < n[i]; ++s) p[s] *= over;
      for (std::size_t s = n[i]; s < mask.keys; ++s) p[s] = 0;
    }
  }
}

template <class Real> void softmax_grad(const AttentionMask<Real>& mask, Real scale, const Real* p, Real* dp) {
  for (std::size_t t = 0; t < mask.queries; ++t, p += mask.keys, dp += mask.keys) {
    const std::size_t n = sees_any(mask, t) ? reach(mask, t) : 0;
    const Real* const slopes = dp;
    const Real* const weights = p;
    const Real sum = sum_of<Real>(n, [=](std::size_t s) INLINED { return weights[s] * slopes[s]; });
#pragma omp simd
    for (std::size_t s = 0; s < n; ++s) dp[s] = p[s] * (dp[s] - sum) * scale;
    for (std::size_t s = n; s < mask.keys; ++s) dp[s] = 0;
  }
}

template <class Real> void tanh_scores(const TanhScores<Real>& by, const Real* q, const Real* k, Real* scores) {
  for (std::size_t t = 0; t < by.queries; ++t)
    for (std::size_t s = 0; s < by.keys; ++s) {
      const Real *const left = q + t * by.size, *const right = k + s * by.size, *const of_size = by.of_size;
      const Real factor = by.factor;
      const Real sum = sum_of<Real>(by.size, [=](std::size_t d) INLINED {
        const Real value = tanh(factor * (left[d] + right[d]));
        return of_size ? of_size[d] * value : value;
      });
      scores[t * by.keys + s] = by.weight * sum;
    }
}

template <class Real>
void tanh_scores_grad(const TanhScores<Real>& by, const Real* q, const Real* k, const Real* ds, Real* RESTRICT dq,
                      Real* RESTRICT dk, Real* RESTRICT tanhs, Real* RESTRICT factors) {
  const std::size_t n = by.size;
  for (std::size_t i = 0; i < by.queries * n; ++i) dq[i] = 0;
  for (std::size_t i = 0; i < by.keys * n; ++i) dk[i] = 0;
  for (std::size_t d = 0; d < n; ++d) tanhs[d] = factors[d] = 0;
  for (std::size_t t = 0; t < by.queries; ++t)
    for (std::size_t s = 0; s < by.keys; ++s) {
      const Real *const left = q + t * n, *const right = k + s * n, *const of_size = by.of_size;
      Real *RESTRICT const to_q = dq + t * n, *RESTRICT const to_k = dk + s * n;
      const Real slope = ds[t * by.keys + s], weighted = slope * by.weight, factor = by.factor;
#pragma omp simd
      for (std::size_t d = 0; d < n; ++d) {
        const Real sum = left[d] + right[d], value = tanh(factor * sum);
        const Real scaled = of_size ? weighted * of_size[d] : weighted;
        const Real inside = scaled * (1 - value * value);
        to_q[d] += factor * inside;
        to_k[d] += factor * inside;
        tanhs[d] += slope * value;
        factors[d] += inside * sum;
      }
    }
}

template <class Real>
constexpr AttentionLoops<Real> loops{softmax<Real>, softmax_grad<Real>, tanh_scores<Real>, tanh_scores_grad<Real>};
constexpr AttentionTable table{loops<float>, loops<double>};

}  // namespace

template <> const AttentionTable& attention_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
