// Layers that move numbers, leave some out, repeat them or put zeros between them: Permute, Cropping2D and others.
#pragma once

#include <cstddef>
#include <vector>

#include "graph/call.hpp"
#include "layers/views.hpp"

namespace gs {

/// y = 0, then y[target] = x[source], where the two are strided views of samples.
struct Rearrange {
  Shape shape;  // of the output
  Views views;

  static constexpr bool is_linear = true;  // in x: so its tangent is its forward pass
  static constexpr const char* name = "rearrange";
  template <class Settings> Rearrange(const Shapes& inputs, const Settings& settings) {
    shape = settings.shape("shape");
    views.source_size = size_of(inputs[0]);
    views.target_size = size_of(shape);
    const Shape sizes = settings.shape("sizes");
    const auto source = settings.reals("source_strides"), target = settings.reals("target_strides");
    settings.check(sizes.size() <= StridedViews::most && source.size() == sizes.size() && target.size() == sizes.size(),
                   "views must have at most 8 axes, with two strides each.");
    views.views.rank = sizes.size();
    views.views.source_offset = std::size_t(settings.real("source_offset", 0));
    views.views.target_offset = std::size_t(settings.real("target_offset", 0));
    for (std::size_t k = 0; k < sizes.size(); ++k)
      views.views.axis[k] = {sizes[k], std::ptrdiff_t(source[k]), std::ptrdiff_t(target[k])};
    settings.check(fits(sizes, source, views.views.source_offset, views.source_size) &&
                       fits(sizes, target, views.views.target_offset, views.target_size),
                   "views must lie within their samples.");
  }
  Shape output() const { return shape; }
  Shapes weights() const { return {}; }

  // x (batch, ...) -> y (batch, ...)
  template <class Real> void forward(Schedule<Real>& schedule, Call<Real>& call) const {
    copy(schedule, views, call.x_matrix(views.source_size), call.y(views.target_size));
  }

  // dy -> dx[source] += dy[target]
  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    if (const Matrix<Real> dx = call.dx(views.source_size))
      copy(schedule, views.reversed(), call.dy(views.target_size), dx);
  }

 private:
  static bool fits(const Shape& sizes, const std::vector<double>& strides, std::size_t offset, std::size_t size) {
    double low = double(offset), high = low;
    for (std::size_t k = 0; k < sizes.size(); ++k) {
      if (sizes[k] < 1) return false;
      (strides[k] < 0 ? low : high) += double(sizes[k] - 1) * strides[k];
    }
    return low >= 0 && high < double(size);
  }
};

}  // namespace gs
