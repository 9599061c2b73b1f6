// What is minimized, as the methods see it.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <utility>

#include "minimize/sweeps.hpp"
#include "minimize/vector.hpp"

namespace gs::minimize {

/// Why a run ends: see python/gradstep/minimize/stop.py for the reasons.
struct Stop : std::exception {
  explicit Stop(const char* reason, std::string detail = {}, double decrease = nan)
      : reason(reason), detail(std::move(detail)), decrease(decrease) {}
  const char* what() const noexcept override { return reason.c_str(); }

  std::string reason, detail;  // detail: the begin of a sentence, or empty
  double decrease;             // how much lower the method's model expects the minimum to be; NaN: it has none
};

/// printf of one or two numbers.
std::string text(const char* format, double a, double b = 0);

/// A place on the way.
struct Point {
  Vector x, g;  // g: none where it is not known
  double f = nan;
  double alpha = nan;  // what the last direction was multiplied by, or the learning rate
  // Of the step that led here; NaN where nobody has looked.
  double ss = nan, turn = nan, largest = nan;  // its squared length; g . the gradient before; magnitude in g
};

/// A function of n variables.
class Function {
 public:
  Function(std::size_t n, void (*drop)(void*) = nullptr) : n(n), vectors(n, drop) {}
  virtual ~Function() = default;

  /// Sets f at x, and g if it comes with it. Throws Stop where a limit is reached.
  virtual void value(Point& point) = 0;
  /// Sets g at a point whose value was asked for.
  virtual void gradient(Point& point) = 0;
  /// The lowest value so far.
  virtual double lowest() = 0;

  /// The numbers of a vector as x has them: rounded to float32 if it is, and within the bounds.
  void round(const Vector& x) const {
    for (std::size_t i = 0; i < n; ++i) {
      double v = x[i];
      if (lower) v = std::fmin(std::fmax(v, lower[i]), upper[i]);
      x[i] = is_single ? double(float(v)) : v;
    }
  }
  /// The largest component of the gradient that bounds leave free; NaN if one is.
  double optimality(const Point& point) const {
    if (!lower) return point.largest == point.largest ? point.largest : largest(point.g, vectors.size());
    double most = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const double x = point.x[i], size = std::fabs(x - std::fmin(std::fmax(x - point.g[i], lower[i]), upper[i]));
      if (size > most || point.g[i] != point.g[i]) most = point.g[i] != point.g[i] ? nan : size;
      if (most != most) break;
    }
    return most;
  }

  const std::size_t n;
  Vectors vectors;
  Vector lower, upper;  // both or none
  double eps = 2.220446049250313e-16;
  bool is_single = false;  // x is of float32
  bool is_pair = false;    // the gradient comes with the value
};

/// How a method goes from point to point.
class Method {
 public:
  virtual ~Method() = default;
  /// Returns the next point; throws Stop if the method finds none.
  virtual Point step(Function& function, const Point& point) = 0;
  virtual double optimality(Function& function, const Point& point) { return function.optimality(point); }
  /// How much lower the method's model expects the minimum to be; NaN without a model.
  virtual double left(Function&, const Point&) { return nan; }

  bool has_gradients = true;
  bool makes_runs = false;  // each of its steps is a whole run of another method
};

}  // namespace gs::minimize
