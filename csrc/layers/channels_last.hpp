// A value whose channels are the last axis, or, with data_format="channels_first", are brought there.
#pragma once

#include <algorithm>
#include <cstddef>

#include "graph/call.hpp"
#include "kernels/layers/window.hpp"
#include "layers/views.hpp"

namespace gs {

/// Matrices of samples. Where the channels are the first axis, those of a call are copied, to and fro.
struct ChannelsLast {
  Shape shape, last;  // of a sample: as it is, and with its channels last
  bool turns;

  ChannelsLast(const Shape& shape, bool channels_first) : shape(shape), last(shape), turns(channels_first) {
    if (turns) std::rotate(last.begin(), last.begin() + 1, last.end());
  }
  /// Of what a window gives.
  ChannelsLast with(const Window& window, std::size_t channels) const {
    Shape made = last;
    for (std::size_t k = 0; k + 1 < made.size(); ++k) made[k] = window.axis[3 - (made.size() - 1) + k].out;
    made.back() = channels;
    if (turns) std::rotate(made.begin(), made.end() - 1, made.end());
    return ChannelsLast(made, turns);
  }
  std::size_t size() const { return size_of(shape); }
  std::size_t channels() const { return last.back(); }

  /// Input 0.
  template <class Real> Matrix<Real> x(Schedule<Real>& schedule, Call<Real>& call) const {
    if (!turns) return call.x_matrix(size());
    const Matrix<Real> turned = saved(schedule, call, "turned x");
    copy(schedule, views(), call.x_matrix(size()), turned);
    return turned;
  }
  /// Where the output is to be written. When that is done, it is to be put where it belongs.
  template <class Real> Matrix<Real> y(Call<Real>& call) const {
    return turns ? call.save("turned y", size()) : call.y(size());
  }
  template <class Real> void put_y(Schedule<Real>& schedule, Call<Real>& call) const {
    if (turns) copy(schedule, views().reversed(), y(call), call.y(size()));
  }
  /// The gradient by the output, which may be written over.
  template <class Real> Matrix<Real> dy(Schedule<Real>& schedule, Call<Real>& call) const {
    if (!turns) return call.dy(size());
    const Matrix<Real> turned = call.save("turned dy", size());
    copy(schedule, views(), call.dy(size()), turned);
    return turned;
  }
  /// Where that by the input is to be written, none where nobody wants it; and to be put where it belongs.
  template <class Real> Matrix<Real> dx(Call<Real>& call) const {
    const Matrix<Real> wanted = call.dx(size());
    return turns && wanted ? call.save("turned dx", wanted.size(), size()) : wanted;
  }
  template <class Real> void put_dx(Schedule<Real>& schedule, Call<Real>& call) const {
    if (turns && call.dx(size())) copy(schedule, views().reversed(), dx(call), call.dx(size()));
  }

 private:
  Views views() const { return axes_last(shape, {0}); }
  template <class Real> Matrix<Real> saved(const Schedule<Real>& schedule, Call<Real>& call, const char* name) const {
    return call.save(name, schedule.batch * size(), size());
  }
};

}  // namespace gs
