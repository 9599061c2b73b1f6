// Activations: value(x), and slope(x, y), the derivative at x where y = value(x).
// `uses_input` says that slope reads x, so that x must be kept; `rowwise` ones work on a whole row at once.
#pragma once

#include <cstddef>

#include "core/describe.hpp"
#include "core/math.hpp"
#include "core/normal.hpp"

namespace gs {

struct Elementwise {
  static constexpr bool rowwise = false, uses_input = false;
};
struct ElementwiseOfInput {
  static constexpr bool rowwise = false, uses_input = true;
};

struct Linear : Elementwise {
  static constexpr const char* name = "linear";
  template <class Real> HD static Real value(Real x) { return x; }
  template <class Real> HD static Real slope(Real, Real) { return 1; }
};

struct Relu : Elementwise {
  static constexpr const char* name = "relu";
  template <class Real> HD static Real value(Real x) { return larger(x, Real(0)); }
  template <class Real> HD static Real slope(Real, Real y) { return y > 0 ? Real(1) : Real(0); }
};

struct Relu6 : Elementwise {
  static constexpr const char* name = "relu6";
  template <class Real> HD static Real value(Real x) { return smaller(larger(x, Real(0)), Real(6)); }
  template <class Real> HD static Real slope(Real, Real y) { return y > 0 && y < 6 ? Real(1) : Real(0); }
};

/// Maas, Hannun & Ng 2013; slope 0.2 below 0, as Keras's function.
struct LeakyRelu : Elementwise {
  static constexpr const char* name = "leaky_relu";
  template <class Real> HD static Real value(Real x) { return x > 0 ? x : Real(0.2) * x; }
  template <class Real> HD static Real slope(Real, Real y) { return y > 0 ? Real(1) : Real(0.2); }
};

/// Clevert, Unterthiner & Hochreiter 2016, arXiv:1511.07289; alpha = 1.
struct Elu : Elementwise {
  static constexpr const char* name = "elu";
  template <class Real> HD static Real value(Real x) { return x > 0 ? x : expm1(x); }
  template <class Real> HD static Real slope(Real, Real y) { return y > 0 ? Real(1) : y + 1; }
};

/// Klambauer et al. 2017, arXiv:1706.02515.
struct Selu : Elementwise {
  static constexpr const char* name = "selu";
  static constexpr double scale = 1.05070098735548049342, alpha = 1.67326324235437728482;
  template <class Real> HD static Real value(Real x) { return Real(scale) * (x > 0 ? x : Real(alpha) * expm1(x)); }
  template <class Real> HD static Real slope(Real, Real y) { return y > 0 ? Real(scale) : y + Real(scale * alpha); }
};

struct Sigmoid : Elementwise {
  static constexpr const char* name = "sigmoid";
  template <class Real> HD static Real value(Real x) { return logistic(x); }
  template <class Real> HD static Real slope(Real, Real y) { return y * (1 - y); }
};

struct HardSigmoid : Elementwise {
  static constexpr const char* name = "hard_sigmoid";
  template <class Real> HD static Real value(Real x) { return smaller(larger(x / 6 + Real(0.5), Real(0)), Real(1)); }
  template <class Real> HD static Real slope(Real, Real y) { return y > 0 && y < 1 ? Real(1.0 / 6) : Real(0); }
};

struct Tanh : Elementwise {
  static constexpr const char* name = "tanh";
  template <class Real> HD static Real value(Real x) { return tanh(x); }
  template <class Real> HD static Real slope(Real, Real y) { return (1 - y) * (1 + y); }
};

struct Exponential : Elementwise {
  static constexpr const char* name = "exponential";
  template <class Real> HD static Real value(Real x) { return exp(x); }
  template <class Real> HD static Real slope(Real, Real y) { return y; }
};

struct Softplus : ElementwiseOfInput {
  static constexpr const char* name = "softplus";
  template <class Real> HD static Real value(Real x) { return softplus(x); }
  template <class Real> HD static Real slope(Real x, Real) { return logistic(x); }
};

struct Softsign : Elementwise {
  static constexpr const char* name = "softsign";
  template <class Real> HD static Real value(Real x) { return x / (1 + magnitude(x)); }
  template <class Real> HD static Real slope(Real, Real y) { return (1 - magnitude(y)) * (1 - magnitude(y)); }
};

/// x P(X < x), X normal. Hendrycks & Gimpel 2016, arXiv:1606.08415.
struct Gelu : ElementwiseOfInput {
  static constexpr const char* name = "gelu";
  template <class Real> HD static Real value(Real x) { return x * normal_distribution(x); }
  template <class Real> HD static Real slope(Real x, Real) { return normal_distribution(x) + x * normal_density(x); }
};

/// x sigmoid(x), also called swish. Elfwing, Uchibe & Doya 2018, arXiv:1702.03118.
struct Silu : ElementwiseOfInput {
  static constexpr const char* name = "silu";
  template <class Real> HD static Real value(Real x) { return x * logistic(x); }
  template <class Real> HD static Real slope(Real x, Real y) { return y + logistic(x) * (1 - y); }
};

/// x tanh(softplus(x)). Misra 2019, arXiv:1908.08681.
struct Mish : ElementwiseOfInput {
  static constexpr const char* name = "mish";
  template <class Real> HD static Real value(Real x) { return x * tanh(softplus(x)); }
  template <class Real> HD static Real slope(Real x, Real) {
    const Real t = tanh(softplus(x));
    return t + x * (1 - t) * (1 + t) * logistic(x);
  }
};

/// e^x over its sum along the row.
struct Softmax {
  static constexpr const char* name = "softmax";
  static constexpr bool rowwise = true, uses_input = false;
  // x (n) -> y (n)
  template <class Real> HD static void forward(const Real* x, Real* y, std::size_t n) {
    Real top = x[0];
    for (std::size_t i = 1; i < n; ++i) top = larger(top, x[i]);
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) y[i] = exp(x[i] - top);
    Real sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += y[i];
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) y[i] /= sum;
  }
  // y, dy (n) -> dx (n)
  template <class Real> HD static void backward(const Real*, const Real* y, const Real* dy, Real* dx, std::size_t n) {
    Real dot = 0;
    for (std::size_t i = 0; i < n; ++i) dot += y[i] * dy[i];
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) dx[i] = y[i] * (dy[i] - dot);
  }
};

/// The logarithm of softmax, without leaving the range of the type.
struct LogSoftmax {
  static constexpr const char* name = "log_softmax";
  static constexpr bool rowwise = true, uses_input = false;
  template <class Real> HD static void forward(const Real* x, Real* y, std::size_t n) {
    const Real whole = log_sum_exp(x, n);
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) y[i] = x[i] - whole;
  }
  template <class Real> HD static void backward(const Real*, const Real* y, const Real* dy, Real* dx, std::size_t n) {
    Real sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += dy[i];
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) dx[i] = dy[i] - exp(y[i]) * sum;
  }
};

using Activations = TypeList<Linear, Relu, Relu6, LeakyRelu, Elu, Selu, Sigmoid, HardSigmoid, Tanh, Exponential,
                             Softplus, Softsign, Gelu, Silu, Mish, Softmax, LogSoftmax>;

}  // namespace gs
