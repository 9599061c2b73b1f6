// Rescaling.
#pragma once

#include <cstddef>

#include "layers/weightless.hpp"

namespace gs {

/// y = scale x + offset. Forward does nothing: whoever reads the rows next does it as they are read.
struct Rescaling : Weightless {
  std::size_t n;
  double scale, offset;

  static constexpr const char* name = "rescaling";
  template <class Settings>
  Rescaling(std::size_t inputs, const Settings& settings)
      : n(inputs), scale(settings.real("scale")), offset(settings.real("offset")) {}
  std::size_t outputs() const { return n; }

  // x (batch, n) -> y (batch, n)
  template <class Schedule, class Buffers> auto forward(Schedule&, const Buffers& buffers) const {
    return scaled(buffers.x, offset);
  }

  // dy (batch, n) -> dx = scale dy (batch, n)
  template <class Schedule, class Buffers> void backward(Schedule& schedule, const Buffers& buffers) const {
    if (buffers.dx) schedule.copy(scaled(schedule.row_pointers(buffers.dy, n), 0), buffers.dx, n);
  }

 private:
  template <class Indirection> Indirection scaled(Indirection rows, double shift) const {
    rows.scale *= scale;
    rows.offset = rows.offset * scale + shift;
    return rows;
  }
};

}  // namespace gs
