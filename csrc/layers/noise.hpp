// Normal noise, in training alone.
#pragma once

#include <cstddef>
#include <cstdint>

#include "layers/weightless.hpp"

namespace gs {

/// y = x + stddev z, or y = x (1 + stddev z), z standard normal; in inference y = x. Nothing is stored: backward draws
/// again. Multiplied: Srivastava et al. 2014, JMLR 15, section 10.
struct Noise : Weightless {
  std::size_t n;
  double stddev;
  bool multiply;
  std::uint64_t key;

  static constexpr const char* name = "noise";
  template <class Settings>
  Noise(std::size_t inputs, const Settings& settings)
      : n(inputs), stddev(settings.real("stddev", 0)), multiply(settings.flag("multiply")), key(settings.key("key")) {}
  std::size_t outputs() const { return n; }

  // x (batch, n) -> y (batch, n)
  template <class Schedule, class Buffers> auto forward(Schedule& schedule, const Buffers& buffers) const {
    if (!schedule.training) return buffers.x;
    schedule.noise(buffers.x, buffers.y, n, stddev, multiply, key);
    return schedule.row_pointers(buffers.y, n);
  }

  // dy (batch, n) -> dx (batch, n)
  template <class Schedule, class Buffers> void backward(Schedule& schedule, const Buffers& buffers) const {
    if (!buffers.dx) return;
    if (multiply)
      schedule.noise(schedule.row_pointers(buffers.dy, n), buffers.dx, n, stddev, multiply, key);
    else
      schedule.copy(buffers.dy, buffers.dx, n);
  }
};

}  // namespace gs
