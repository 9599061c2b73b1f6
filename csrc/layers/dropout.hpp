// Dropout.
#pragma once

#include <cstddef>
#include <cstdint>

#include "layers/weightless.hpp"

namespace gs {

/// y = x d / (1 - rate), where d is 0 with probability rate, else 1; in inference y = x. Srivastava et al. 2014,
/// JMLR 15. No d is stored: backward draws it again.
struct Dropout : Weightless {
  std::size_t n;
  double rate;
  std::uint64_t key;

  static constexpr const char* name = "dropout";
  template <class Settings>
  Dropout(std::size_t inputs, const Settings& settings)
      : n(inputs), rate(settings.real("rate", 0, 1)), key(settings.key("key")) {}
  std::size_t outputs() const { return n; }

  // x (batch, n) -> y (batch, n)
  template <class Schedule, class Buffers> auto forward(Schedule& schedule, const Buffers& buffers) const {
    if (!schedule.training) return buffers.x;
    schedule.drop(buffers.x, buffers.y, n, rate, key);
    return schedule.row_pointers(buffers.y, n);
  }

  // dy (batch, n) -> dx (batch, n)
  template <class Schedule, class Buffers> void backward(Schedule& schedule, const Buffers& buffers) const {
    if (buffers.dx) schedule.drop(schedule.row_pointers(buffers.dy, n), buffers.dx, n, rate, key);
  }
};

}  // namespace gs
