// Losses of one prediction p and one target y, and their slopes in p, as scikit-learn has them: a class is -1 or 1, and
// at a kink the slope is that of the side where the loss is not 0, so that the perceptron leaves p = 0. Those without a
// kink are the losses of networks (csrc/losses).
#pragma once

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>

#include "losses/margin.hpp"
#include "losses/regression.hpp"

namespace gs {

/// Two numbers, which a function returns in registers.
struct LossAtPoint {
  double value, slope;
};

/// A sum of losses.
struct LossSum {
  double values = 0, product = 1;

  void add(double value, double factor) {
    values += value;
    product *= factor;
    if (product > 1e200) *this = {this->value(), 1};
  }
  double value() const { return values + std::log(product); }
};

struct PointLoss {
  const char* name;
  /// setting: the margin of a hinge, the width of an epsilon-insensitive loss or of Huber's. factor: 1, or is set to a
  /// number of 1 to 1e16, whose logarithm is the rest of the value: a sum of many takes one logarithm.
  LossAtPoint (*at)(double y, double p, double setting, double& factor);
};

namespace point {

template <class Loss> LossAtPoint of(const Loss& loss, double y, double p) {
  return {loss.value(y, p), loss.derivative(y, p)};
}

// log(1 + e^-z) = log(1 + e^z) - z, z = y p, by one exponential; from z = 36 on it is less than rounding takes from 1.
// No branch but one that is foreseen, as a step waits for the slope.
inline LossAtPoint log_loss(double y, double p, double, double& factor) {
  const double z = y * p, below = 1 + std::exp(std::min(z, 700.0));
  const bool is_nothing = z > 36;
  factor = is_nothing ? 1 : below;
  return {is_nothing ? 0 : -z, -y / below};
}

// max(0, margin - y p)
inline LossAtPoint hinge(double y, double p, double margin, double&) {
  const double lack = margin - y * p;
  return {std::max(lack, 0.0), lack < 0 ? 0 : -y};  // no branch: nobody could foresee it
}

inline LossAtPoint squared_hinge(double y, double p, double, double&) { return of(SquaredHingeTerm{}, y, p); }

// The squared hinge, and from z = -1 down its tangent. Zhang 2004, ICML.
inline LossAtPoint modified_huber(double y, double p, double, double&) {
  const double z = y * p;
  return z >= -1 ? of(SquaredHingeTerm{}, y, p) : LossAtPoint{-4 * z, -4 * y};
}

inline LossAtPoint squared_error(double y, double p, double, double&) { return {0.5 * (y - p) * (y - p), p - y}; }

inline LossAtPoint huber(double y, double p, double width, double&) {
  Huber loss;
  loss.delta = width;
  return of(loss, y, p);
}

// max(0, |y - p| - width), and its square
inline LossAtPoint insensitive(double y, double p, double width, double&) {
  const double beyond = std::fabs(y - p) - width;
  return {beyond > 0 ? beyond : 0, beyond > 0 ? (y > p ? -1.0 : 1.0) : 0};
}
inline LossAtPoint squared_insensitive(double y, double p, double width, double& factor) {
  const auto [value, slope] = insensitive(y, p, width, factor);
  return {value * value, 2 * slope * value};
}

}  // namespace point

inline constexpr PointLoss point_losses[] = {
    {"log_loss", point::log_loss},
    {"hinge", point::hinge},
    {"squared_hinge", point::squared_hinge},
    {"modified_huber", point::modified_huber},
    {"squared_error", point::squared_error},
    {"huber", point::huber},
    {"epsilon_insensitive", point::insensitive},
    {"squared_epsilon_insensitive", point::squared_insensitive},
};

/// Null for a name that is none of them.
inline const PointLoss* point_loss(const std::string& name) {
  const auto found =
      std::find_if(std::begin(point_losses), std::end(point_losses), [&](auto& loss) { return name == loss.name; });
  return found == std::end(point_losses) ? nullptr : found;
}

}  // namespace gs
