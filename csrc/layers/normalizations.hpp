// Layers that bring numbers to mean 0 and variance 1.
#pragma once

#include <cstddef>
#include <vector>

#include "layers/weightless.hpp"

namespace gs {

/// y = gamma xhat + beta, xhat = (x - mean) / sqrt(variance + epsilon), of each column: in training the mean and
/// variance of the batch, which move the moving ones, else those. Ioffe & Szegedy 2015, arXiv:1502.03167.
struct BatchNormalization {
  std::size_t n;
  bool scale, center;
  double momentum, epsilon;
  static constexpr bool keeps_z = true;

  static constexpr const char* name = "batch_normalization";
  template <class Settings>
  BatchNormalization(std::size_t inputs, const Settings& settings)
      : n(inputs),
        scale(settings.flag("scale")),
        center(settings.flag("center")),
        momentum(settings.real("momentum", 0, 1)),
        epsilon(settings.real("epsilon", 0)) {}
  std::size_t outputs() const { return n; }
  // gamma, beta, moving mean, moving variance
  Shapes weights() const { return {{{0, n}, {0, n}, {0, n}, {0, n}}}; }
  std::size_t n_weights() const { return 2 + std::size_t(scale) + std::size_t(center); }

  // x (batch, n) -> z = xhat, y (batch, n)
  template <class Plan, class Io> auto forward(Plan& plan, const Io& io) const {
    if (in_training(plan, io))
      plan.normalize_columns(io.x, gamma(io), beta(io), mean(io), variance(io), momentum, epsilon, io.z, io.y, n);
    else
      plan.standardize(io.x, mean(io), variance(io), gamma(io), beta(io), epsilon, io.y, n);
    return plan.rows_of(io.y, n);
  }

  // dy (batch, n) -> dx (batch, n), dgamma, dbeta (n)
  template <class Plan, class Io> void backward(Plan& plan, const Io& io) const {
    if (in_training(plan, io))
      plan.normalize_columns_back(io.dy, io.z, gamma(io), beta(io), io.dx, n);
    else if (io.dx)
      plan.standardize_back(io.dy, mean(io), variance(io), gamma(io), epsilon, io.dx, n);
  }

 private:
  template <class Io> auto gamma(const Io& io) const { return scale ? io.weight(0) : nullptr; }
  template <class Io> auto beta(const Io& io) const { return center ? io.weight(scale) : nullptr; }
  template <class Io> auto mean(const Io& io) const { return io.weight(std::size_t(scale) + std::size_t(center)); }
  template <class Io> auto variance(const Io& io) const {
    return io.weight(1 + std::size_t(scale) + std::size_t(center));
  }
  // A layer that is not trained is used as it is.
  template <class Plan, class Io> bool in_training(const Plan& plan, const Io& io) const {
    return plan.training && mean(io)->treatment->updated;
  }
};

/// The same of each of some equal parts of every row. Ba, Kiros & Hinton 2016, arXiv:1607.06450 (one part); Wu & He
/// 2018, arXiv:1803.08494.
struct GroupNormalization {
  std::size_t n, groups;
  bool scale, center;
  double epsilon;
  static constexpr bool keeps_z = true;

  static constexpr const char* name = "group_normalization";
  template <class Settings>
  GroupNormalization(std::size_t inputs, const Settings& settings)
      : n(inputs),
        groups(settings.whole("groups")),
        scale(settings.flag("scale")),
        center(settings.flag("center")),
        epsilon(settings.real("epsilon", 0)) {
    settings.check(n % groups == 0, "groups must divide the number of inputs.");
  }
  std::size_t outputs() const { return n; }
  Shapes weights() const { return {{{0, n}, {0, n}}}; }
  std::size_t n_weights() const { return std::size_t(scale) + std::size_t(center); }

  // x (batch, n) -> z = xhat, y (batch, n)
  template <class Plan, class Io> auto forward(Plan& plan, const Io& io) const {
    plan.normalize_rows(io.x, gamma(io), beta(io), epsilon, groups, io.z, io.y, n);
    return plan.rows_of(io.y, n);
  }

  // dy (batch, n) -> dx (batch, n), dgamma, dbeta (n)
  template <class Plan, class Io> void backward(Plan& plan, const Io& io) const {
    plan.normalize_rows_back(io.dy, io.z, gamma(io), beta(io), groups, io.dx, n);
  }

 private:
  template <class Io> auto gamma(const Io& io) const { return scale ? io.weight(0) : nullptr; }
  template <class Io> auto beta(const Io& io) const { return center ? io.weight(scale) : nullptr; }
};

/// y = (x - mean) / max(sqrt(variance), epsilon) of each column, by numbers that are weights or given; or x from y.
struct Normalization {
  std::size_t n;
  bool invert;
  std::vector<double> mean, variance;  // (n), or empty if they are weights

  static constexpr const char* name = "normalization";
  template <class Settings>
  Normalization(std::size_t inputs, const Settings& settings)
      : n(inputs), invert(settings.flag("invert")), mean(settings.reals("mean")), variance(settings.reals("variance")) {
    settings.check(mean.size() == variance.size() && (mean.empty() || mean.size() == n),
                   "mean and variance must have a number for each input, or none.");
  }
  std::size_t outputs() const { return n; }
  Shapes weights() const { return {{{0, n}, {0, n}}}; }  // mean, variance
  std::size_t n_weights() const { return mean.empty() ? 2 : 0; }

  // x (batch, n) -> y (batch, n)
  template <class Plan, class Io> auto forward(Plan& plan, const Io& io) const {
    plan.rescale_columns(io.x, of(plan, io, 0, mean), of(plan, io, 1, variance), invert, io.y, n);
    return plan.rows_of(io.y, n);
  }

  // dy (batch, n) -> dx (batch, n)
  template <class Plan, class Io> void backward(Plan& plan, const Io& io) const {
    if (io.dx) plan.rescale_columns_back(io.dy, of(plan, io, 1, variance), invert, io.dx, n);
  }

 private:
  template <class Plan, class Io>
  auto of(Plan& plan, const Io& io, std::size_t weight, const std::vector<double>& given) const {
    return given.empty() ? io.weight(weight)->w : plan.constant(given);
  }
};

}  // namespace gs
