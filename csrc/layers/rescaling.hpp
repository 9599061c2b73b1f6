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
  template <class Plan, class Io> auto forward(Plan&, const Io& io) const { return scaled(io.x, offset); }

  // dy (batch, n) -> dx = scale dy (batch, n)
  template <class Plan, class Io> void backward(Plan& plan, const Io& io) const {
    if (io.dx) plan.copy(scaled(plan.rows_of(io.dy, n), 0), io.dx, n);
  }

 private:
  template <class Rows> Rows scaled(Rows rows, double shift) const {
    rows.scale *= scale;
    rows.offset = rows.offset * scale + shift;
    return rows;
  }
};

}  // namespace gs
