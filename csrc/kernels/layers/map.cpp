// The two loops of every activation.
#include "kernels/layers/map.hpp"

#include "core/sixteens.hpp"

namespace gs {
namespace {

template <class Activation, class Real>
void forward(const double* settings, const void* from, void* to, const MatrixLayout& layout) {
  const auto f = with_values<Activation>(settings);
  const Real* x = static_cast<const Real*>(from);
  Real* y = static_cast<Real*>(to);
  const bool joins = !Activation::rowwise && layout.stride == layout.columns;  // rows that are one
  const std::size_t rows = joins ? 1 : layout.rows, n = joins ? layout.rows * layout.columns : layout.columns;
  for (std::size_t row = 0; row < rows; ++row, x += layout.stride, y += layout.stride) {
    if constexpr (Activation::rowwise) {
      f.forward(x, y, n);
    } else {
      in_sixteens(n, [&](std::size_t i, std::size_t count) INLINED {
        Real numbers[fold_lanes];
        const bool whole = count == fold_lanes;
        if (!whole) take_few(x + i, count, numbers);
        const Real* const at = whole ? x + i : numbers;
        Real* const here = whole ? y + i : numbers;
#pragma omp simd
        for (std::size_t l = 0; l < fold_lanes; ++l) here[l] = f.value(at[l]);
        if (!whole) give_few(numbers, count, y + i);
      });
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
  const std::size_t stride = layout.stride;
  const bool joins = !Activation::rowwise && stride == layout.columns;
  const std::size_t rows = joins ? 1 : layout.rows, n = joins ? layout.rows * layout.columns : layout.columns;
  for (std::size_t row = 0; row < rows; ++row, x += stride, y += stride, dy += stride, dx += stride) {
    if constexpr (Activation::rowwise) {
      f.backward(x, y, dy, dx, n);
    } else {
      in_sixteens(n, [&](std::size_t i, std::size_t count) INLINED {
        Real xs[fold_lanes], ys[fold_lanes], slopes[fold_lanes];
        const bool whole = count == fold_lanes;
        if (!whole) {
          if (Activation::uses_input) take_few(x + i, count, xs);
          take_few(y + i, count, ys);
          take_few(dy + i, count, slopes);
        }
        const Real *const at_y = whole ? y + i : ys, *const at_dy = whole ? dy + i : slopes;
        const Real* const at_x = !Activation::uses_input ? at_y : whole ? x + i : xs;
        Real* const here = whole ? dx + i : slopes;
#pragma omp simd
        for (std::size_t l = 0; l < fold_lanes; ++l) here[l] = at_dy[l] * f.derivative(at_x[l], at_y[l]);
        if (!whole) give_few(slopes, count, dx + i);
      });
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
