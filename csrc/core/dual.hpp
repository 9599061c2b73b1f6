// Numbers with a derivative: a formula of numbers, computed in these, gives the derivative of what it says too.
#pragma once

#include "core/math.hpp"

namespace gs {

/// value, and its derivative by some variable.
struct Dual {
  double value = 0, slope = 0;

  constexpr Dual() = default;
  constexpr Dual(double value, double slope = 0) : value(value), slope(slope) {}

  friend constexpr Dual operator-(Dual a) { return {-a.value, -a.slope}; }
  friend constexpr Dual operator+(Dual a, Dual b) { return {a.value + b.value, a.slope + b.slope}; }
  friend constexpr Dual operator-(Dual a, Dual b) { return {a.value - b.value, a.slope - b.slope}; }
  friend constexpr Dual operator*(Dual a, Dual b) { return {a.value * b.value, a.slope * b.value + a.value * b.slope}; }
  friend constexpr Dual operator/(Dual a, Dual b) {
    return {a.value / b.value, (a.slope - a.value / b.value * b.slope) / b.value};
  }
  friend constexpr bool operator<(Dual a, Dual b) { return a.value < b.value; }
  friend constexpr bool operator>(Dual a, Dual b) { return a.value > b.value; }
  friend constexpr bool operator==(Dual a, Dual b) { return a.value == b.value; }
  friend constexpr bool operator!=(Dual a, Dual b) { return a.value != b.value; }
};

inline Dual magnitude(Dual x) { return x.value < 0 ? -x : x; }
inline Dual sign(Dual x) { return sign(x.value); }
inline Dual exp(Dual x) {
  const double y = exp(x.value);
  return {y, y * x.slope};
}
inline Dual log(Dual x) { return {log(x.value), x.slope / x.value}; }
inline Dual log1p(Dual x) { return {log1p(x.value), x.slope / (1 + x.value)}; }
inline Dual tanh(Dual x) {
  const double y = tanh(x.value);
  return {y, (1 - y * y) * x.slope};
}
inline Dual logistic(Dual x) {
  const double y = logistic(x.value);
  return {y, y * (1 - y) * x.slope};
}
/// Of a p without a slope.
inline Dual power(Dual x, Dual p) { return {power(x.value, p.value), p.value * power(x.value, p.value - 1) * x.slope}; }

}  // namespace gs
