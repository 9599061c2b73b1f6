// Activations of exponentials and their like.
#pragma once

#include "activations/base.hpp"
#include "core/normal.hpp"

namespace gs {

/// Clevert, Unterthiner & Hochreiter 2016, arXiv:1511.07289.
struct Elu : Elementwise {
  double alpha = 1;

  static constexpr const char* name = "elu";
  static constexpr std::array<Field<Elu>, 1> fields() { return {{{"alpha", &Elu::alpha, "minus the value far left"}}}; }
  template <class Real> HD Real value(Real x) const { return x > 0 ? x : Real(alpha) * expm1(x); }
  template <class Real> HD Real derivative(Real, Real y) const { return y > 0 ? Real(1) : y + Real(alpha); }
};

/// elu with a continuous derivative. Barron 2017, arXiv:1704.07483.
struct Celu : Elementwise {
  double alpha = 1;

  static constexpr const char* name = "celu";
  static constexpr std::array<Field<Celu>, 1> fields() {
    return {{{"alpha", &Celu::alpha, "minus the value far left", 0, inf, true}}};
  }
  template <class Real> HD Real value(Real x) const { return x > 0 ? x : Real(alpha) * expm1(x / Real(alpha)); }
  template <class Real> HD Real derivative(Real, Real y) const { return y > 0 ? Real(1) : y / Real(alpha) + 1; }
};

/// Klambauer et al. 2017, arXiv:1706.02515.
struct Selu : Elementwise {
  static constexpr const char* name = "selu";
  static constexpr double scale = 1.05070098735548049342, alpha = 1.67326324235437728482;
  template <class Real> HD static Real value(Real x) { return Real(scale) * (x > 0 ? x : Real(alpha) * expm1(x)); }
  template <class Real> HD static Real derivative(Real, Real y) {
    return y > 0 ? Real(scale) : y + Real(scale * alpha);
  }
};

struct Sigmoid : Elementwise {
  static constexpr const char* name = "sigmoid";
  template <class Real> HD static Real value(Real x) { return logistic(x); }
  template <class Real> HD static Real derivative(Real, Real y) { return y * (1 - y); }
};

struct LogSigmoid : Elementwise {
  static constexpr const char* name = "log_sigmoid";
  template <class Real> HD static Real value(Real x) { return -softplus(-x); }
  template <class Real> HD static Real derivative(Real, Real y) { return -expm1(y); }
};

struct Tanh : Elementwise {
  static constexpr const char* name = "tanh";
  template <class Real> HD static Real value(Real x) { return tanh(x); }
  template <class Real> HD static Real derivative(Real, Real y) { return (1 - y) * (1 + y); }
};

struct TanhShrink : ElementwiseOfInput {
  static constexpr const char* name = "tanh_shrink";
  template <class Real> HD static Real value(Real x) { return x - tanh(x); }
  template <class Real> HD static Real derivative(Real x, Real) { return tanh(x) * tanh(x); }
};

struct Exponential : Elementwise {
  static constexpr const char* name = "exponential";
  template <class Real> HD static Real value(Real x) { return exp(x); }
  template <class Real> HD static Real derivative(Real, Real y) { return y; }
};

struct Softplus : ElementwiseOfInput {
  static constexpr const char* name = "softplus";
  template <class Real> HD static Real value(Real x) { return softplus(x); }
  template <class Real> HD static Real derivative(Real x, Real) { return logistic(x); }
};

/// (x + sqrt(x^2 + b)) / 2, without the cancellation that this has left of 0. Barron 2021, arXiv:2112.11687.
struct Squareplus : ElementwiseOfInput {
  double b = 4;

  static constexpr const char* name = "squareplus";
  static constexpr std::array<Field<Squareplus>, 1> fields() {
    return {{{"b", &Squareplus::b, "how round the corner is", 0, inf, true}}};
  }
  template <class Real> HD Real value(Real x) const {
    const Real r = hypotenuse(x);
    return x < 0 ? Real(b) / 2 / (r - x) : x / 2 + r / 2;
  }
  template <class Real> HD Real derivative(Real x, Real y) const { return y / hypotenuse(x); }

 private:
  // sqrt(x^2 + b); |x| where the square would overflow, if b is no larger than that.
  template <class Real> HD Real hypotenuse(Real x) const {
    constexpr Real most = sizeof(Real) == 4 ? Real(0x1p60) : Real(0x1p500);
    const Real size = magnitude(x), near = at_most(size, most);
    return size > most ? size : root(near * near + Real(b));
  }
};

struct Softsign : Elementwise {
  static constexpr const char* name = "softsign";
  template <class Real> HD static Real value(Real x) { return x / (1 + magnitude(x)); }
  template <class Real> HD static Real derivative(Real, Real y) { return (1 - magnitude(y)) * (1 - magnitude(y)); }
};

/// x P(X < x), X normal. Hendrycks & Gimpel 2016, arXiv:1606.08415.
struct Gelu : ElementwiseOfInput {
  static constexpr const char* name = "gelu";
  template <class Real> HD static Real value(Real x) { return x * normal_distribution(x); }
  // y / x is the distribution at x, where x is no number so small that y has lost digits.
  template <class Real> HD static Real derivative(Real x, Real y) {
    const bool small = magnitude(x) < Real(1e-30);
    return (small ? Real(0.5) : y / (small ? Real(1) : x)) + x * normal_density(x);
  }
};

/// x (1 + tanh u) / 2 = x sigmoid(2 u) with u = sqrt(2 / pi) (x + 0.044715 x^3), by the same paper.
struct GeluTanh : ElementwiseOfInput {
  static constexpr const char* name = "gelu_tanh";
  static constexpr double twice_c = 1.59576912160573071176, cubic = 0.044715;  // 2 sqrt(2 / pi)
  template <class Real> HD static Real value(Real x) { return x * share(inside(x)); }
  template <class Real> HD static Real derivative(Real x, Real) {
    const Real a = inside(x), s = share(a);
    return s + a * s * (1 - s) * Real(twice_c) * (1 + Real(3 * cubic) * a * a);
  }

 private:
  // Beyond 22 the sigmoid is 0 or 1 to the last bit, also times the largest number, and its derivative 0.
  template <class Real> HD static Real inside(Real x) { return at_most(at_least(x, Real(-22)), Real(22)); }
  template <class Real> HD static Real share(Real a) { return logistic(Real(twice_c) * (a + Real(cubic) * a * a * a)); }
};

/// x sigmoid(x), also called swish. Elfwing, Uchibe & Doya 2018, arXiv:1702.03118.
struct Silu : ElementwiseOfInput {
  static constexpr const char* name = "silu";
  template <class Real> HD static Real value(Real x) { return x * logistic(x); }
  // x (1 - s) is 0 far right, where y (1 - s) + s would be the difference of two large numbers.
  template <class Real> HD static Real derivative(Real x, Real) {
    const Real s = logistic(x);
    return s * (1 + x * (1 - s));
  }
};

/// x tanh(softplus(x)). Misra 2019, arXiv:1908.08681.
struct Mish : ElementwiseOfInput {
  static constexpr const char* name = "mish";
  template <class Real> HD static Real value(Real x) { return x * tanh(softplus(x)); }
  template <class Real> HD static Real derivative(Real x, Real) {
    const Real t = tanh(softplus(x));
    return t + x * (1 - t) * (1 + t) * logistic(x);
  }
};

}  // namespace gs
