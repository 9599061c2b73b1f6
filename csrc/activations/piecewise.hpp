// Activations of straight pieces, and one parabola. Conditions are put so that NaN stays NaN.
#pragma once

#include "activations/base.hpp"

namespace gs {

struct Linear : Elementwise {
  static constexpr const char* name = "linear";
  template <class Real> HD static Real value(Real x) { return x; }
  template <class Real> HD static Real derivative(Real, Real) { return 1; }
};

struct Relu : Elementwise {
  static constexpr const char* name = "relu";
  template <class Real> HD static Real value(Real x) { return larger(x, Real(0)); }
  template <class Real> HD static Real derivative(Real, Real y) { return y > 0 ? Real(1) : Real(0); }
};

/// Keras's relu with settings: x cut at max_value above the threshold, a straight line that ends at 0 below it.
struct Rectifier : ElementwiseOfInput {
  double negative_slope = 0, max_value = inf, threshold = 0;

  static constexpr const char* name = "rectifier";
  static constexpr std::array<Field<Rectifier>, 3> fields() {
    return {{{"negative_slope", &Rectifier::negative_slope, "slope below the threshold"},
             {"max_value", &Rectifier::max_value, "largest value", 0, inf, false, false},
             {"threshold", &Rectifier::threshold, "where x begins to pass"}}};
  }
  template <class Real> HD Real value(Real x) const {
    const Real below = negative_slope > 0 ? Real(negative_slope) * (x - Real(threshold)) : Real(0);  // no 0 * infinity
    return x <= Real(threshold) ? below : smaller(x, Real(max_value));
  }
  template <class Real> HD Real derivative(Real x, Real) const {
    return x <= Real(threshold) ? Real(negative_slope) : x < Real(max_value) ? Real(1) : Real(0);
  }
};

struct Relu6 : Elementwise {
  static constexpr const char* name = "relu6";
  template <class Real> HD static Real value(Real x) { return at_most(at_least(x, Real(0)), Real(6)); }
  template <class Real> HD static Real derivative(Real, Real y) { return y > 0 && y < 6 ? Real(1) : Real(0); }
};

/// Maas, Hannun & Ng 2013.
struct LeakyRelu : Elementwise {
  double negative_slope = 0.2;

  static constexpr const char* name = "leaky_relu";
  static constexpr std::array<Field<LeakyRelu>, 1> fields() {
    return {{{"negative_slope", &LeakyRelu::negative_slope, "slope below 0"}}};
  }
  template <class Real> HD Real value(Real x) const { return x > 0 ? x : Real(negative_slope) * x; }
  template <class Real> HD Real derivative(Real, Real y) const { return y > 0 ? Real(1) : Real(negative_slope); }
};

struct HardSigmoid : Elementwise {
  static constexpr const char* name = "hard_sigmoid";
  template <class Real> HD static Real value(Real x) { return at_most(at_least(x / 6 + Real(0.5), Real(0)), Real(1)); }
  template <class Real> HD static Real derivative(Real, Real y) { return y > 0 && y < 1 ? Real(1.0 / 6) : Real(0); }
};

/// x hard_sigmoid(x), also called hard_swish. Howard et al. 2019, arXiv:1905.02244.
struct HardSilu : ElementwiseOfInput {
  static constexpr const char* name = "hard_silu";
  template <class Real> HD static Real value(Real x) { return x <= -3 ? Real(0) : x * HardSigmoid::value(x); }
  template <class Real> HD static Real derivative(Real x, Real) {
    return x <= -3 ? Real(0) : x < 3 ? x / 3 + Real(0.5) : Real(1);
  }
};

struct HardTanh : Elementwise {
  static constexpr const char* name = "hard_tanh";
  template <class Real> HD static Real value(Real x) { return at_most(at_least(x, Real(-1)), Real(1)); }
  template <class Real> HD static Real derivative(Real, Real y) { return magnitude(y) < 1 ? Real(1) : Real(0); }
};

struct HardShrink : Elementwise {
  double threshold = 0.5;

  static constexpr const char* name = "hard_shrink";
  static constexpr std::array<Field<HardShrink>, 1> fields() {
    return {{{"threshold", &HardShrink::threshold, "half the width of the flat part"}}};
  }
  template <class Real> HD Real value(Real x) const { return magnitude(x) <= Real(threshold) ? Real(0) : x; }
  template <class Real> HD static Real derivative(Real, Real y) { return y == 0 ? Real(0) : Real(1); }
};

struct SoftShrink : Elementwise {
  double threshold = 0.5;

  static constexpr const char* name = "soft_shrink";
  static constexpr std::array<Field<SoftShrink>, 1> fields() {
    return {{{"threshold", &SoftShrink::threshold, "half the width of the flat part"}}};
  }
  template <class Real> HD Real value(Real x) const {
    return x - at_most(at_least(x, -Real(threshold)), Real(threshold));
  }
  template <class Real> HD static Real derivative(Real, Real y) { return y == 0 ? Real(0) : Real(1); }
};

struct Threshold : ElementwiseOfInput {
  double threshold = 0, default_value = 0;

  static constexpr const char* name = "threshold";
  static constexpr std::array<Field<Threshold>, 2> fields() {
    return {{{"threshold", &Threshold::threshold, "where x begins to pass", -inf, inf, true},
             {"default_value", &Threshold::default_value, "value elsewhere", -inf, inf, true}}};
  }
  template <class Real> HD Real value(Real x) const { return x <= Real(threshold) ? Real(default_value) : x; }
  template <class Real> HD Real derivative(Real x, Real) const { return x <= Real(threshold) ? Real(0) : Real(1); }
};

/// sparse_sigmoid's integral.
struct SparsePlus : ElementwiseOfInput {
  static constexpr const char* name = "sparse_plus";
  template <class Real> HD static Real value(Real x) {
    const Real inside = (x + 1) * (x + 1) * Real(0.25);
    return x <= -1 ? Real(0) : x < 1 ? inside : x;
  }
  template <class Real> HD static Real derivative(Real x, Real) {
    return at_most(at_least((x + 1) * Real(0.5), Real(0)), Real(1));
  }
};

/// The Gini entropy's link function. Martins & Astudillo 2016, arXiv:1602.02068.
struct SparseSigmoid : Elementwise {
  static constexpr const char* name = "sparse_sigmoid";
  template <class Real> HD static Real value(Real x) {
    return at_most(at_least((x + 1) * Real(0.5), Real(0)), Real(1));
  }
  template <class Real> HD static Real derivative(Real, Real y) { return y > 0 && y < 1 ? Real(0.5) : Real(0); }
};

}  // namespace gs
