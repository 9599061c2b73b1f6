// Masks: which steps of sequences count, as values of 1 and 0.
#pragma once

#include <algorithm>
#include <cstddef>

#include "graph/call.hpp"
#include "layers/views.hpp"

namespace gs {

/// mask = whether x, or any number of it along the last axis, is not a value; or 1 everywhere.
struct NotEqual {
  static constexpr bool differentiable = false;
  Shape shape;
  std::size_t columns;  // numbers that are looked at for one of the mask
  double value;
  bool everywhere;

  static constexpr const char* name = "not_equal";
  template <class Settings>
  NotEqual(const Shapes& inputs, const Settings& settings)
      : shape(inputs[0]),
        columns(settings.flag("along_last") ? last_of(shape) : 1),
        value(settings.real("value")),
        everywhere(settings.flag("everywhere")) {
    if (settings.flag("along_last")) shape.pop_back();
    if (shape.empty()) shape = {1};
  }
  Shape output() const { return shape; }
  Shapes weights() const { return {}; }

  // x (rows, columns) -> mask (rows)
  template <class Real> void forward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Matrix<Real> mask = call.y(1);
    const Matrix<Real> x = everywhere ? Matrix<Real>{} : call.x_matrix(columns);
    const auto work = [=, n = columns, value = Real(value)](std::size_t first, std::size_t count) {
      for (std::size_t i = first; i < first + count; ++i) {
        const Real* const row = x.at + i * n;
        mask.at[i] = Real(!x || std::any_of(row, row + n, [=](Real number) { return number != value; }));
      }
    };
    schedule.each_row(mask.rows, columns, {{x.at}, {mask.at}}, work);
  }

  template <class Real> void backward(Schedule<Real>&, Call<Real>&) const {}
};

/// y = x where the mask is not 0, else a value. The mask has 1 in axes along which all of x share it.
struct FillMasked {
  Views stretch;
  Shape shape;
  std::size_t n;
  double fill;

  static constexpr const char* name = "fill_masked";
  template <class Settings>
  FillMasked(const Shapes& inputs, const Settings& settings)
      : stretch(broadcast(inputs[1], inputs[0])), shape(inputs[0]), n(size_of(shape)), fill(settings.real("value")) {}
  Shape output() const { return shape; }
  Shapes weights() const { return {}; }

  // x, mask -> y (batch, n)
  template <class Real> void forward(Schedule<Real>& schedule, Call<Real>& call) const {
    if (!stretch.is_identity()) copy(schedule, stretch, call.x_matrix(stretch.source_size, 1), call.save("mask", n));
    select(schedule, mask(call), call.x_matrix(n), Real(fill), call.y(n));
  }

  template <class Real> void tangent(Schedule<Real>& schedule, Call<Real>& call, Call<Real>& d) const {
    select(schedule, mask(call), d.x_matrix(n), Real(0), d.y(n));
  }

  // dy (batch, n) -> dx (batch, n)
  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    if (const Matrix<Real> dx = call.dx(n)) select(schedule, mask(call), call.dy(n), Real(0), dx);
  }

 private:
  template <class Real> Matrix<Real> mask(Call<Real>& call) const {
    return stretch.is_identity() ? call.x_matrix(n, 1) : call.save("mask", n);
  }
  template <class Real>
  static void select(Schedule<Real>& schedule, Matrix<Real> mask, Matrix<Real> x, Real fill, Matrix<Real> y) {
    schedule.each_row(y.rows, y.columns, {{mask.at, x.at}, {y.at}}, [=](std::size_t first, std::size_t count) {
      for (std::size_t i = first * y.columns; i < (first + count) * y.columns; ++i)
        y.at[i] = mask.at[i] != 0 ? x.at[i] : fill;
    });
  }
};

/// y = the mean over the steps that count, of each channel; not a number where none does.
struct MaskedMean {
  std::size_t steps, channels;
  std::size_t step, channel;  // from one to the next
  bool keeps_axis, channels_first;

  static constexpr const char* name = "masked_mean";
  template <class Settings>
  MaskedMean(const Shapes& inputs, const Settings& settings)
      : keeps_axis(!settings.flag("flat")), channels_first(settings.flag("channels_first")) {
    settings.check(inputs.size() == 2 && inputs[0].size() == 2, "inputs must be a sequence and its mask.");
    steps = inputs[0][channels_first ? 1 : 0];
    channels = inputs[0][channels_first ? 0 : 1];
    step = channels_first ? 1 : channels;
    channel = channels_first ? steps : 1;
    settings.check(size_of(inputs[1]) == steps, "a mask must have a number for each step.");
  }
  Shape output() const {
    if (!keeps_axis) return {channels};
    return channels_first ? Shape{channels, 1} : Shape{1, channels};
  }
  Shapes weights() const { return {}; }

  // x (batch, steps, channels), mask (batch, steps) -> y (batch, channels)
  template <class Real> void forward(Schedule<Real>& schedule, Call<Real>& call) const {
    average(schedule, call.x_matrix(steps * channels), call.x_matrix(steps, 1), call.y(channels));
  }
  template <class Real> void tangent(Schedule<Real>& schedule, Call<Real>& call, Call<Real>& d) const {
    average(schedule, d.x_matrix(steps * channels), call.x_matrix(steps, 1), d.y(channels));
  }

  // dy (batch, channels) -> dx (batch, steps, channels)
  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Matrix<Real> dx = call.dx(steps * channels);
    if (!dx) return;
    const Matrix<Real> dy = call.dy(channels), mask = call.x_matrix(steps, 1);
    schedule.each_row(dx.rows, dx.columns, {{dy.at, mask.at}, {dx.at}},
                      [=, *this](std::size_t first, std::size_t count) {
                        for (std::size_t i = first; i < first + count; ++i) {
                          const Real counted = Real(count_of(mask.at + i * steps));
                          for (std::size_t t = 0; t < steps; ++t)
                            for (std::size_t c = 0; c < channels; ++c)
                              dx.at[i * dx.columns + t * step + c * channel] =
                                  mask.at[i * steps + t] != 0 ? dy.at[i * channels + c] / counted : Real(0);
                        }
                      });
  }

 private:
  template <class Real>
  void average(Schedule<Real>& schedule, Matrix<Real> x, Matrix<Real> mask, Matrix<Real> y) const {
    schedule.each_row(x.rows, x.columns, {{x.at, mask.at}, {y.at}}, [=, *this](std::size_t first, std::size_t count) {
      for (std::size_t i = first; i < first + count; ++i) {
        Real* const sum = y.at + i * channels;
        std::fill_n(sum, channels, Real(0));
        for (std::size_t t = 0; t < steps; ++t)
          if (mask.at[i * steps + t] != 0)
            for (std::size_t c = 0; c < channels; ++c) sum[c] += x.at[i * x.columns + t * step + c * channel];
        const Real counted = Real(count_of(mask.at + i * steps));
        for (std::size_t c = 0; c < channels; ++c) sum[c] /= counted;
      }
    });
  }
  template <class Real> std::ptrdiff_t count_of(const Real* mask) const {
    return std::ptrdiff_t(steps) - std::count(mask, mask + steps, Real(0));
  }
};

}  // namespace gs
