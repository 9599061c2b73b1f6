// The normal distribution: density and distribution function, for gelu; quantiles, for normal random numbers.
#pragma once

#include <cstdint>

#include "core/math.hpp"

namespace gs {

/// Coefficients c_k of p(t) = e^(x^2) erfc(x) (1 + 2 x) with t = (x - 3) / (x + 3), interpolated at Chebyshev nodes
/// with 40 digits; largest relative error 2.3e-9 (float, x up to 9.5) and 2.9e-17 (double, x up to 27.3).
template <class Real> struct ErfcSeries;
template <> struct ErfcSeries<float> {
  static constexpr int degree = 10;
  static constexpr float c[] = {1.25300805752,    -0.135621134355,    -0.0475622365269,  0.129646330228,
                                -0.119273635114,  0.0682946825566,    -0.023783539395,   0.00258207095373,
                                0.00198194883772, -0.000814332637919, -0.000282978349082};
};
template <> struct ErfcSeries<double> {
  static constexpr int degree = 22;
  static constexpr double c[] = {
      1.253008058269729639,     -0.13562110612458067157,     -0.047562294353446849415,   0.12964515870270403326,
      -0.11927366341550477991,  0.068308027345855741933,     -0.023770514914689325413,   0.0025293917874392320132,
      0.0018886903163987220201, -0.00077983203042845542408,  -0.00010515951430802023436, 0.00012509811046590528435,
      4.9482252431883122113e-6, -0.000020096488951806805298, -7.2773316931892043458e-7,  3.4636901087184282701e-6,
      3.4913253432206376634e-7, -6.0459806713366932816e-7,   -1.3114298770307866375e-7,  9.1562442314349849847e-8,
      3.2852433981759873408e-8, -8.4057218052148833455e-9,   -4.170967813794828552e-9};
};

template <class Real, int k = 0> HD Real erfc_series(Real t) {
  constexpr Real c = ErfcSeries<Real>::c[k];  // a number, and no array that a GPU would not have
  if constexpr (k == ErfcSeries<Real>::degree)
    return c;
  else
    return c + t * erfc_series<Real, k + 1>(t);
}

/// P(X < x) for a standard normal X: absolute error 2 ULP of 1, relative error x^2 ULP in the lower tail.
template <class Real> HD Real normal_distribution(Real x) {
  // Beyond the limit the tail is 0; so it is for infinity, which the series could not take.
  const Real limit = sizeof(Real) == 4 ? 9.5 : 27.3;
  const Real a = smaller(magnitude(x) * Real(0.70710678118654752440), limit);
  const Real tail = Real(0.5) * exp_nonpositive(-a * a) * erfc_series<Real>((a - 3) / (a + 3)) / (1 + 2 * a);
  return x < 0 ? tail : 1 - tail;
}

/// exp(-x^2 / 2) / sqrt(2 pi)
template <class Real> HD Real normal_density(Real x) {
  return exp_nonpositive(-x * x / 2) * Real(0.39894228040143267794);
}

/// Coefficients of the rational functions of Wichura 1988, Applied Statistics 37(3), algorithm AS 241, PPND16.
struct QuantileSeries {
  static constexpr double center[] = {3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
                                      1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
                                      3.3430575583588128105e4, 2.5090809287301226727e3};
  static constexpr double below_center[] = {1,
                                            4.2313330701600911252e1,
                                            6.8718700749205790830e2,
                                            5.3941960214247511077e3,
                                            2.1213794301586595867e4,
                                            3.9307895800092710610e4,
                                            2.8729085735721942674e4,
                                            5.2264952788528545610e3};
  static constexpr double tail[] = {1.42343711074968357734e0,  4.63033784615654529590e0, 5.76949722146069140550e0,
                                    3.64784832476320460504e0,  1.27045825245236838258e0, 2.41780725177450611770e-1,
                                    2.27238449892691845833e-2, 7.74545014278341407640e-4};
  static constexpr double below_tail[] = {1,
                                          2.05319162663775882187e0,
                                          1.67638483018380384940e0,
                                          6.89767334985100004550e-1,
                                          1.48103976427480074590e-1,
                                          1.51986665636164571966e-2,
                                          5.47593808499534494600e-4,
                                          1.05075007164441684324e-9};
};

template <class Real, int k = 0> HD Real quantile_series(const double (&c)[8], Real r) {
  if constexpr (k == 7)
    return Real(c[k]);
  else
    return Real(c[k]) + r * quantile_series<Real, k + 1>(c, r);
}

/// A standard normal number from 32 random bits: the quantile of (word + 1/2) / 2^32, within 6.3 of 0. Absolute error
/// 4 ULP of its size or of 1.
template <class Real> HD Real normal_number(std::uint32_t word) {
  using S = QuantileSeries;
  // Below the median; the other half is its mirror image. The tail has all its bits that way, in float too.
  const bool low = word < 0x80000000u;
  const Real p = (Real(low ? word : ~word) + Real(0.5)) * Real(0x1p-32);
  const Real q = Real(0.5) - p;
  const Real r = Real(0.180625) - q * q;
  const Real middle = q * quantile_series(S::center, r) / quantile_series(S::below_center, r);
  const Real s = root(-log(p)) - Real(1.6);
  const Real outer = quantile_series(S::tail, s) / quantile_series(S::below_tail, s);
  const Real size = q <= Real(0.425) ? middle : outer;
  return low ? -size : size;
}

}  // namespace gs
