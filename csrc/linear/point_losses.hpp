// Losses of one prediction p and one target y, and their slopes in p, as scikit-learn has them: a class is -1 or 1, and
// at a kink the slope is that of the side where the loss is not 0, so that the perceptron leaves p = 0.
#pragma once

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>

namespace gs {

struct PointLoss {
  const char* name;
  double (*value)(double y, double p, double at);
  double (*slope)(double y, double p, double at);
};

namespace point {

inline double positive(double x) { return x > 0 ? x : 0; }

// log(1 + e^-z), z = y p
inline double log_value(double y, double p, double) {
  const double z = y * p;
  return z > 0 ? std::log1p(std::exp(-z)) : std::log1p(std::exp(z)) - z;
}
inline double log_slope(double y, double p, double) { return -y / (1 + std::exp(y * p)); }

// max(0, at - y p)
inline double hinge_value(double y, double p, double at) { return positive(at - y * p); }
inline double hinge_slope(double y, double p, double at) { return y * p <= at ? -y : 0; }

// max(0, at - y p)^2
inline double squared_hinge_value(double y, double p, double at) { return positive(at - y * p) * positive(at - y * p); }
inline double squared_hinge_slope(double y, double p, double at) { return -2 * y * positive(at - y * p); }

// The squared hinge, and from z = -1 down its tangent. Zhang 2004, ICML.
inline double modified_huber_value(double y, double p, double) {
  const double z = y * p;
  return z >= -1 ? positive(1 - z) * positive(1 - z) : -4 * z;
}
inline double modified_huber_slope(double y, double p, double) {
  const double z = y * p;
  return z >= -1 ? -2 * y * positive(1 - z) : -4 * y;
}

inline double squared_value(double y, double p, double) { return 0.5 * (y - p) * (y - p); }
inline double squared_slope(double y, double p, double) { return p - y; }

// Half the square up to |y - p| = at, then its tangent. Huber 1964, Ann. Math. Statist. 35.
inline double huber_value(double y, double p, double at) {
  const double r = std::fabs(y - p);
  return r <= at ? 0.5 * r * r : at * (r - 0.5 * at);
}
inline double huber_slope(double y, double p, double at) { return std::min(std::max(p - y, -at), at); }

// max(0, |y - p| - at), and its square
inline double insensitive_value(double y, double p, double at) { return positive(std::fabs(y - p) - at); }
inline double insensitive_slope(double y, double p, double at) { return y - p > at ? -1 : p - y > at ? 1 : 0; }
inline double squared_insensitive_value(double y, double p, double at) {
  return insensitive_value(y, p, at) * insensitive_value(y, p, at);
}
inline double squared_insensitive_slope(double y, double p, double at) {
  return 2 * insensitive_slope(y, p, at) * insensitive_value(y, p, at);
}

}  // namespace point

inline constexpr PointLoss point_losses[] = {
    {"log_loss", point::log_value, point::log_slope},
    {"hinge", point::hinge_value, point::hinge_slope},
    {"squared_hinge", point::squared_hinge_value, point::squared_hinge_slope},
    {"modified_huber", point::modified_huber_value, point::modified_huber_slope},
    {"squared_error", point::squared_value, point::squared_slope},
    {"huber", point::huber_value, point::huber_slope},
    {"epsilon_insensitive", point::insensitive_value, point::insensitive_slope},
    {"squared_epsilon_insensitive", point::squared_insensitive_value, point::squared_insensitive_slope},
};

/// Null for a name that is none of them.
inline const PointLoss* point_loss(const std::string& name) {
  const auto found =
      std::find_if(std::begin(point_losses), std::end(point_losses), [&](auto& loss) { return name == loss.name; });
  return found == std::end(point_losses) ? nullptr : found;
}

}  // namespace gs
