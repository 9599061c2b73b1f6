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
  template <class Schedule, class Buffers> auto forward(Schedule& schedule, const Buffers& buffers) const {
    if (in_training(schedule, buffers))
      schedule.normalize_columns(buffers.x, gamma(buffers), beta(buffers), mean(buffers), variance(buffers), momentum,
                                 epsilon, buffers.z, buffers.y, n);
    else
      schedule.standardize(buffers.x, mean(buffers), variance(buffers), gamma(buffers), beta(buffers), epsilon,
                           buffers.y, n);
    return schedule.row_pointers(buffers.y, n);
  }

  // dy (batch, n) -> dx (batch, n), dgamma, dbeta (n)
  template <class Schedule, class Buffers> void backward(Schedule& schedule, const Buffers& buffers) const {
    if (in_training(schedule, buffers))
      schedule.normalize_columns_back(buffers.dy, buffers.z, gamma(buffers), beta(buffers), buffers.dx, n);
    else if (buffers.dx)
      schedule.standardize_back(buffers.dy, mean(buffers), variance(buffers), gamma(buffers), epsilon, buffers.dx, n);
  }

 private:
  template <class Buffers> auto gamma(const Buffers& buffers) const { return scale ? buffers.weight(0) : nullptr; }
  template <class Buffers> auto beta(const Buffers& buffers) const { return center ? buffers.weight(scale) : nullptr; }
  template <class Buffers> auto mean(const Buffers& buffers) const {
    return buffers.weight(std::size_t(scale) + std::size_t(center));
  }
  template <class Buffers> auto variance(const Buffers& buffers) const {
    return buffers.weight(1 + std::size_t(scale) + std::size_t(center));
  }
  // A layer that is not trained is used as it is.
  template <class Schedule, class Buffers> bool in_training(const Schedule& schedule, const Buffers& buffers) const {
    return schedule.training && mean(buffers)->attributes->updated;
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
  template <class Schedule, class Buffers> auto forward(Schedule& schedule, const Buffers& buffers) const {
    schedule.normalize_rows(buffers.x, gamma(buffers), beta(buffers), epsilon, groups, buffers.z, buffers.y, n);
    return schedule.row_pointers(buffers.y, n);
  }

  // dy (batch, n) -> dx (batch, n), dgamma, dbeta (n)
  template <class Schedule, class Buffers> void backward(Schedule& schedule, const Buffers& buffers) const {
    schedule.normalize_rows_back(buffers.dy, buffers.z, gamma(buffers), beta(buffers), groups, buffers.dx, n);
  }

 private:
  template <class Buffers> auto gamma(const Buffers& buffers) const { return scale ? buffers.weight(0) : nullptr; }
  template <class Buffers> auto beta(const Buffers& buffers) const { return center ? buffers.weight(scale) : nullptr; }
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
  template <class Schedule, class Buffers> auto forward(Schedule& schedule, const Buffers& buffers) const {
    schedule.rescale_columns(buffers.x, of(schedule, buffers, 0, mean), of(schedule, buffers, 1, variance), invert,
                             buffers.y, n);
    return schedule.row_pointers(buffers.y, n);
  }

  // dy (batch, n) -> dx (batch, n)
  template <class Schedule, class Buffers> void backward(Schedule& schedule, const Buffers& buffers) const {
    if (buffers.dx)
      schedule.rescale_columns_back(buffers.dy, of(schedule, buffers, 1, variance), invert, buffers.dx, n);
  }

 private:
  template <class Schedule, class Buffers>
  auto of(Schedule& schedule, const Buffers& buffers, std::size_t weight, const std::vector<double>& given) const {
    return given.empty() ? buffers.weight(weight)->w : schedule.constant(given);
  }
};

}  // namespace gs
