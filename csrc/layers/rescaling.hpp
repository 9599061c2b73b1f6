// Rescaling.
#pragma once

#include <cstddef>

#include "graph/call.hpp"

namespace gs {

/// y = scale x + offset. Forward does nothing: whoever reads the rows next does it as they are read.
struct Rescaling {
  Shape shape;
  std::size_t n;  // numbers of a sample
  double scale, offset;

  static constexpr const char* name = "rescaling";
  template <class Settings>
  Rescaling(const Shapes& inputs, const Settings& settings)
      : shape(inputs[0]), n(size_of(shape)), scale(settings.real("scale")), offset(settings.real("offset")) {}
  Shape output() const { return shape; }
  Shapes weights() const { return {}; }

  template <class Real> void forward(Schedule<Real>&, Call<Real>& call) const { call.pass(scale, offset); }

  template <class Real> void tangent(Schedule<Real>&, Call<Real>&, Call<Real>& d) const { d.pass(scale); }

  // dy (batch, n) -> dx = scale dy (batch, n)
  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Matrix<Real> dx = call.dx(n);
    if (!dx) return;
    Rows scaled = schedule.rows(call.dy(n));
    scaled.pointers.scale = scale;
    schedule.copy(scaled, dx);
  }
};

}  // namespace gs
