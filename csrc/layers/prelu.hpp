// PReLU.
#pragma once

#include <cstddef>

#include "layers/weightless.hpp"

namespace gs {

/// y = x where x > 0, else alpha x, alpha a weight for each column. He et al. 2015, arXiv:1502.01852.
struct PRelu {
  std::size_t n;
  static constexpr bool keeps_z = true;

  static constexpr const char* name = "prelu";
  template <class Settings> PRelu(std::size_t inputs, const Settings&) : n(inputs) {}
  std::size_t outputs() const { return n; }
  Shapes weights() const { return {{{0, n}}}; }
  static constexpr std::size_t n_weights() { return 1; }

  // x (batch, n), alpha (n) -> z = x, y (batch, n)
  template <class Schedule, class Buffers> auto forward(Schedule& schedule, const Buffers& buffers) const {
    schedule.leak(buffers.x, buffers.weight(0), buffers.z, buffers.y, n);
    return schedule.row_pointers(buffers.y, n);
  }

  // dy (batch, n) -> dx (batch, n), dalpha (n)
  template <class Schedule, class Buffers> void backward(Schedule& schedule, const Buffers& buffers) const {
    schedule.leak_back(buffers.dy, buffers.z, buffers.weight(0), buffers.dx, n);
  }
};

}  // namespace gs
