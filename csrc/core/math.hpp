// Elementary functions that vectorise under `omp simd` and give the same bits on every instruction set.
// Each bound holds the largest error seen against long double over 2 million random arguments, in float and double.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include "core/portable.hpp"

namespace gs {

/// What a floating type needs for splitting off a power of two.
template <class Real> struct Bits;
template <> struct Bits<float> {
  using Int = std::int32_t;
  using Word = std::uint32_t;
  static constexpr int fraction = 23, bias = 127;
  static constexpr float round = 12582912.0f;  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
  static constexpr float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
  static constexpr float exp_low = -86.9f, exp_high = 88.72f;
  static constexpr int exp_terms = 7, log_terms = 5;
};
template <> struct Bits<double> {
  using Int = std::int64_t;
  using Word = std::uint64_t;
  static constexpr int fraction = 52, bias = 1023;
  static constexpr double round = 6755399441055744.0;  // 1.5 * 2^52
  static constexpr double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;
  static constexpr double exp_low = -708.0, exp_high = 709.7;
  static constexpr int exp_terms = 13, log_terms = 11;
};

// Unsigned, because sums and shifts of bit patterns may wrap.
template <class Real> HD typename Bits<Real>::Word to_bits(Real x) {
  typename Bits<Real>::Word bits;
  std::memcpy(&bits, &x, sizeof x);
  return bits;
}
template <class Real> HD Real from_bits(typename Bits<Real>::Word bits) {
  Real x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

HD float root(float x) { return __builtin_sqrtf(x); }   // 0.5 ULP
HD double root(double x) { return __builtin_sqrt(x); }  // 0.5 ULP
HD float magnitude(float x) { return __builtin_fabsf(x); }
HD double magnitude(double x) { return __builtin_fabs(x); }
HD float with_sign(float size, float x) { return __builtin_copysignf(size, x); }
HD double with_sign(double size, double x) { return __builtin_copysign(size, x); }

/// NaN if either is NaN, as the sums around it are. `|`, not `||`: a branch would keep the loop from vectorising.
template <class Real> HD Real larger(Real a, Real b) { return (int(a > b) | int(a != a)) ? a : b; }
template <class Real> HD Real smaller(Real a, Real b) { return (int(a < b) | int(a != a)) ? a : b; }
/// x within a bound that is a number; NaN for NaN. Where both bounds follow each other, `smaller(larger())` is made
/// into branches by GCC 12, and these are not.
template <class Real> HD Real at_least(Real x, Real low) { return x < low ? low : x; }
template <class Real> HD Real at_most(Real x, Real high) { return x > high ? high : x; }
/// The largest finite number for infinity; NaN for NaN.
template <class Real> HD Real bounded(Real x) { return at_most(x, std::numeric_limits<Real>::max()); }
/// Moves a running mean of squares by the share `take` towards x. A mean that has overflowed stays infinite, as where
/// it is kept * mean + take * x, and does not become NaN: steps over its root are 0 from then on.
template <class Real> HD void move_mean(Real& mean, Real take, Real x) { mean += take * (x - bounded(mean)); }
/// -1, 0 or 1; NaN for NaN. The two comparisons become one, of vectors too.
template <class Real> HD Real sign(Real x) { return (int(x < 0) | int(x > 0)) ? with_sign(Real(1), x) : x; }

/// What doubles are to be multiplied by before their squares are summed again; 1: the sum is good as it is. Squares of
/// doubles overflow from 2^512 on, and below 2^-511 lose digits; a sum from 2^-960 on has lost none that count.
HD double rescaling(double sum_of_squares) {
  return sum_of_squares > std::numeric_limits<double>::max() ? 0x1p-600 : sum_of_squares < 0x1p-960 ? 0x1p600 : 1;
}

/// 1 / k! as a constant.
template <class Real> constexpr Real inverse_factorial(int k) {
  double value = 1;
  for (int i = 2; i <= k; ++i) value *= i;
  return Real(1 / value);
}

/// e^r - 1 - r for |r| <= ln(2) / 2, by its Taylor series: the next term is below half a unit in the last place.
template <class Real, int k = 2> HD Real exp_tail(Real r) {
  if constexpr (k == Bits<Real>::exp_terms) {
    return inverse_factorial<Real>(k);
  } else if constexpr (k == 2) {
    return r * r * (inverse_factorial<Real>(2) + r * exp_tail<Real, 3>(r));
  } else {
    return inverse_factorial<Real>(k) + r * exp_tail<Real, k + 1>(r);
  }
}

/// x = n ln 2 + r with |r| <= ln(2) / 2; scale = 2^n. Arguments must lie in [exp_low, exp_high].
template <class Real> struct Split {
  Real half_scale, r;  // half of 2^n, because 2^128 is no float
};
template <class Real> HD Split<Real> split(Real x) {
  using B = Bits<Real>;
  const Real shifted = x * Real(1.44269504088896340736) + B::round;
  const Real n = shifted - B::round;
  const Real r = (x - n * B::ln2_high) - n * B::ln2_low;
  const auto power = to_bits(shifted) - to_bits(Real(B::round)) + (B::bias - 1);
  return {from_bits<Real>(power << B::fraction), r};
}

/// e^x: 1 ULP; 0 below exp_low (no subnormals), infinity above exp_high.
template <class Real> HD Real exp(Real x) {
  using B = Bits<Real>;
  const Real inside = smaller(larger(x, B::exp_low), B::exp_high);
  const auto s = split(inside);
  const Real value = (1 + (s.r + exp_tail(s.r))) * s.half_scale * 2;
  return x < B::exp_low ? Real(0) : x > B::exp_high ? Real(__builtin_inf()) : value;
}

/// The same bits for x <= 0, which need no bound above; NaN for NaN.
template <class Real> HD Real exp_nonpositive(Real x) {
  using B = Bits<Real>;
  const auto s = split(at_least(x, Real(B::exp_low)));
  const Real value = (1 + (s.r + exp_tail(s.r))) * s.half_scale;
  return x < B::exp_low ? Real(0) : value + value;
}

/// e^x - 1 without cancellation near 0: 2 ULP.
template <class Real> HD Real expm1(Real x) {
  using B = Bits<Real>;
  // Below -40 the result is -1 to the last bit.
  const Real inside = smaller(larger(x, Real(-40)), B::exp_high);
  const auto s = split(inside);
  const Real tail = s.r + exp_tail(s.r);
  const Real value = (s.half_scale * tail + (s.half_scale - Real(0.5))) * 2;
  return x > B::exp_high ? Real(__builtin_inf()) : value;
}

/// The same bits for x <= 0; NaN for NaN.
template <class Real> HD Real expm1_nonpositive(Real x) {
  const auto s = split(at_least(x, Real(-40)));
  const Real tail = s.r + exp_tail(s.r);
  const Real half = s.half_scale * tail + (s.half_scale - Real(0.5));
  return half + half;
}

/// atanh(s) - s for small s, from z = s^2: s z (1/3 + z/5 + z^2/7 + ...).
template <class Real, int k = 1> HD Real log_series(Real z) {
  if constexpr (k == Bits<Real>::log_terms)
    return Real(1.0 / (2 * k + 1));
  else
    return Real(1.0 / (2 * k + 1)) + z * log_series<Real, k + 1>(z);
}

/// Natural logarithm: 1 ULP; -infinity at 0, NaN below 0; subnormals count as 0.
template <class Real> HD Real log(Real x) {
  using B = Bits<Real>;
  // Halve the range to m in [sqrt(1/2), sqrt(2)) so that m - 1 is small on both sides.
  const auto bits = to_bits(x);
  const auto offset = bits - to_bits(Real(0.70710678118654752440));
  const auto power = typename B::Word(typename B::Int(offset) >> B::fraction);
  const Real m = from_bits<Real>(bits - (power << B::fraction));
  // The integer power as a Real, by the same trick as in split: there is no 64-bit conversion before AVX-512.
  const Real n = from_bits<Real>(power + to_bits(Real(B::round))) - B::round;
  const Real f = m - 1;
  const Real s = f / (2 + f);
  const Real z = s * s;
  // log m = 2 atanh(s) = f - s f + 2 s z (...): f is exact, the rest is small beside it.
  const Real small = 2 * s * z * log_series<Real>(z) - s * f;
  const Real value = n * B::ln2_high + (f + (small + n * B::ln2_low));
  const Real smallest = from_bits<Real>(typename B::Word(1) << B::fraction);
  const Real top = x == Real(__builtin_inf()) ? x : value;
  const Real bottom = x < smallest ? -Real(__builtin_inf()) : top;
  return x >= 0 ? bottom : Real(__builtin_nan(""));
}

/// x^p for x >= 0 and finite p: 1 + |p log(x)| ULP; below the normal range x counts as the smallest normal number.
template <class Real> HD Real power(Real x, Real p) {
  return exp(p * log(at_least(x, from_bits<Real>(typename Bits<Real>::Word(1) << Bits<Real>::fraction))));
}

/// log(1 + x) without cancellation near 0, for x > -1: 3 ULP.
template <class Real> HD Real log1p(Real x) {
  const Real u = 1 + x;
  const Real lost = (x - (u - 1)) / u;  // what rounding 1 + x dropped
  const Real of_u = log(u);
  return u == 1 ? x : x > Real(1e30) ? of_u : of_u + lost;  // where u is x, and may be infinite
}

/// 3 ULP.
template <class Real> HD Real tanh(Real x) {
  const Real t = expm1_nonpositive(-2 * magnitude(x));
  return with_sign(-t / (t + 2), x);
}

/// 1 / (1 + e^-x): 3 ULP, without overflow on either side.
template <class Real> HD Real logistic(Real x) {
  const Real e = exp_nonpositive(-magnitude(x));
  return (x < 0 ? e : Real(1)) / (1 + e);
}

/// log(1 + e^x): 2 ULP.
template <class Real> HD Real softplus(Real x) { return larger(x, Real(0)) + log1p(exp_nonpositive(-magnitude(x))); }

}  // namespace gs
