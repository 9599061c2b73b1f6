// The two loops of every activation.
#include "kernels/layers/map.hpp"

namespace gs {
namespace {

template <class Activation, class Real>
void forward(const double* settings, const void* from, void* to, const MatrixLayout& layout) {
  const auto f = with_values<Activation>(settings);
  const Real* x = static_cast<const Real*>(from);
  Real* y = static_cast<Real*>(to);
  const std::size_t n = layout.columns;
  for (std::size_t row = 0; row < layout.rows; ++row, x += layout.stride, y += layout.stride) {
    if constexpr (Activation::rowwise) {
      f.forward(x, y, n);
    } else {
#pragma omp simd
      for (std::size_t i = 0; i < n; ++i) y[i] = f.value(x[i]);
    }
  }
}

template <class Activation, class Real>
void backward(const double* settings, const void* from, const void* value, const void* derivative, void* to,
              const MatrixLayout& layout) {
  const auto f = with_values<Activation>(settings);
  const Real* y = static_cast<const Real*>(value);
  const Real* dy = static_cast<const Real*>(derivative);
  Real* dx = static_cast<Real*>(to);
  // Where the input is not used it was not kept: read y in its place.
  const Real* x = Activation::uses_input ? static_cast<const Real*>(from) : y;
  const std::size_t n = layout.columns, stride = layout.stride;
  for (std::size_t row = 0; row < layout.rows; ++row, x += stride, y += stride, dy += stride, dx += stride) {
    if constexpr (Activation::rowwise) {
      f.backward(x, y, dy, dx, n);
    } else {
#pragma omp simd
      for (std::size_t i = 0; i < n; ++i) dx[i] = dy[i] * f.derivative(x[i], y[i]);
    }
  }
}

template <class... All> constexpr MapTable rows(TypeList<All...>) {
  return {{{All::name,
            All::rowwise,
            All::uses_input,
            {forward<All, float>, forward<All, double>},
            {backward<All, float>, backward<All, double>}}...}};
}

constexpr MapTable table = rows(Activations{});

}  // namespace

template <> const MapTable& map_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
