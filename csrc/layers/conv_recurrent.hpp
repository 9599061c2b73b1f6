// ConvLSTM1D, ConvLSTM2D, ConvLSTM3D.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "graph/call.hpp"
#include "kernels/layers/drop.hpp"
#include "layers/convolve.hpp"
#include "layers/recurrent.hpp"
#include "layers/views.hpp"

namespace gs {

/// The windows of a cell that convolves: over x of a step, and over h, whose size they leave as it is.
struct StepWindows {
  std::size_t steps, filters;
  ChannelsLast in, out;  // of a step
  Window x, h;
  Shape size;

  template <class Settings>
  StepWindows(const Shape& sequences, const Settings& settings)
      : steps(sequences[0]),
        filters(settings.whole("filters")),
        in(Shape(sequences.begin() + 1, sequences.end()), settings.flag("channels_first")),
        out(in),
        x(window_from(settings, in.last)),
        size(settings.shape("size")) {
    out = in.with(x, filters);
    const Shape ones(size.size(), 1);
    h = window_of(out.last, size, ones, ones, Padding::same);
  }
  std::size_t gates() const { return x.places() * 4 * filters; }
  Convolution of_x() const { return {x, 4 * filters, 1, {}, {}}; }
  Convolution of_h() const { return {h, 4 * filters, 1, {}, {}}; }
  /// As a recurrent layer gets them whose numbers are gates.
  Shapes sequences(Shapes shapes) const {
    shapes[0] = {steps, gates()};
    return shapes;
  }
};

/// A recurrent layer over sequences of samples with channels, whose products are convolutions: x of all steps is
/// convolved at once, h step by step. Inputs, and outputs, as of Recurrent; states have the shape of an output.
struct ConvRecurrent : Recurrent {
  StepWindows at;

  static constexpr const char *name = "conv_recurrent", *both_ways = "conv_bidirectional";
  template <class Settings>
  ConvRecurrent(const Shapes& shapes, const Settings& settings)
      : ConvRecurrent(shapes, settings, StepWindows(shapes[0], settings)) {}

  Shape step_shape() const { return at.out.shape; }
  Shape output() const {
    if (return_state) return Recurrent::output();
    Shape shape = step_shape();
    if (return_sequences) shape.insert(shape.begin(), steps);
    return shape;
  }
  Shapes weights() const {
    Shape of_x = at.size, of_h = at.size;
    of_x.insert(of_x.end(), {at.in.channels(), 4 * at.filters});
    of_h.insert(of_h.end(), {at.filters, 4 * at.filters});
    Shapes all{of_x, of_h};
    if (use_bias) all.push_back({4 * at.filters});
    Shape state = at.out.last;
    state.insert(state.begin(), batch);
    for (std::size_t s = 0; batch && s < cell.info().states; ++s) all.push_back(state);
    return all;
  }
  std::size_t multiplications() const {
    return steps * (kernel_size(at.of_x()) * at.x.places() + kernel_size(at.of_h()) * at.h.places());
  }

  // x (batch, steps, in) -> y (batch, outputs)
  template <class Real> void forward(Schedule<Real>& schedule, Call<Real>& call) const {
    check_batch(schedule);
    const Recurrence<Real> q = convolving(schedule, call, call);
    if (Real* const factors = drop_x(schedule, call)) draw(schedule, factors, at.in.size(), dropout, key);
    if (q.drop_h) draw(schedule, q.drop_h, units, recurrent_dropout, recurrent_key);
    const Rows x = make_x(schedule, call, call);
    const Matrix<Real> z = gates_of_x(schedule, call);
    schedule.convolve(at.of_x(), x, call.weight(0), bias(call), {z.at, z.at});
    run_forward(schedule, q, ports(schedule, call, z), {{call.weight(1)->w}, {q.gates.at}});
    put_y(schedule, call);
  }

  // dy (batch, outputs) -> dx (batch, steps, in), dw, du, db
  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Matrix<Real> turned = turned_kernel(at.of_h(), schedule, call, "turned recurrent kernel", call.weight(1));
    const Recurrence<Real> q = convolving(schedule, call, call, turned);
    const Matrix<Real> z = gates_of_x(schedule, call);
    RecurrentPorts<Real> ports = this->ports(schedule, call, z, false);
    ports.dy = turned_rows(schedule, call.dy(units), call, "turned dy", true);
    ports.dy = reshaped(ports.dy, call.dy(units).size() / schedule.batch);
    ports.dx = z;  // which is not read any more
    Access access{{ports.dy.at, ports.mask.memory, turned.at, q.drop_h}, {q.xh.at, q.gates.at, z.at}};
    for (std::size_t s = 0; starts && s < cell.info().states; ++s) {
      const Matrix<Real> wanted = call.dx(units, 1 + s);
      ports.dinitial.push_back(at.in.turns && wanted ? call.save(state_name("turned dstate", s), wanted.size(), units)
                                                     : wanted);
      access.writes.push_back(ports.dinitial.back().at);
    }
    schedule.run(std::make_unique<RecurrentBackwardJob<Real>>(cell, q, ports), access);
    for (std::size_t s = 0; at.in.turns && s < ports.dinitial.size(); ++s)
      if (ports.dinitial[s]) copy(schedule, turning(at.out).reversed(), ports.dinitial[s], call.dx(units, 1 + s));
    clear_mask_grad(schedule, call);
    const Matrix<Real> gates{q.gates.at, steps * schedule.batch, q.columns};
    const Weight<Real>* const no_bias = nullptr;
    if (call.weight(1)->trainable())
      convolve_back(at.of_h(), schedule, q.conv->states(), {gates.at, gates.at}, gates, {}, {}, call.weight(1),
                    no_bias);
    back_to_x(schedule, call, z);
  }

  // dx (batch, steps, in), dw, du, db -> dy (batch, outputs)
  template <class Real> void tangent(Schedule<Real>& schedule, Call<Real>& call, Call<Real>& d) const {
    const Recurrence<Real> q = convolving(schedule, call, call);
    Recurrence<Real> moves = convolving(schedule, d, call);
    moves.drop_h = q.drop_h;
    if (d.weights_move()) {
      const Matrix<Real> more = d.save("by recurrent kernel", steps * schedule.batch * q.columns, q.columns);
      moves.by_kernel = {more.at, q.columns, schedule.batch * q.columns};
      moves.conv_by_kernel =
          std::make_shared<StepConvolution<Real>>(at.of_h(), states(q), q.xh.at, d.weight(1)->w, more);
    }
    const Matrix<Real> dz = gates_of_x(schedule, d);
    const Rows dx = d.x_moves() ? make_x(schedule, call, d) : Rows{};
    convolve_tangent(at.of_x(), schedule, call, d, read_x(schedule, call), dx, d.x_moves(), 0, bias(d), dz,
                     "by weights");
    if (!d.x_moves() && !d.weights_move()) fill_zeros(schedule, dz);
    RecurrentPorts<Real> ports = this->ports(schedule, d, dz);
    ports.mask = mask(call);
    run_tangent(schedule, q, moves, ports, {{call.weight(1)->w, q.gates.at}, {moves.gates.at}});
    put_y(schedule, d);
  }

 private:
  template <class Settings>
  ConvRecurrent(const Shapes& shapes, const Settings& settings, const StepWindows& windows)
      : Recurrent(windows.sequences(shapes), settings, windows.x.places() * windows.filters), at(windows) {}

  static std::string state_name(const char* what, std::size_t s) { return std::string(what) + " " + std::to_string(s); }
  static Views turning(const ChannelsLast& value) { return axes_last(value.shape, {0}); }
  template <class Real> const Weight<Real>* bias(const Call<Real>& call) const {
    return use_bias ? call.weight(2) : nullptr;
  }
  template <class Real> Rows mask(const Call<Real>& call) const {
    return masked ? call.x(steps, mask_input()) : Rows{};
  }

  /// The states that the steps read, of each step and row.
  template <class Real> std::vector<const void*> states(const Recurrence<Real>& q) const {
    std::vector<const void*> at;
    const std::size_t kept = std::min(q.steps, q.xh.kept == ~std::size_t(0) ? q.steps : q.xh.kept + 1);
    for (std::size_t t = 0; t < kept; ++t)
      for (std::size_t i = 0; i < q.batch; ++i) at.push_back(q.read_state(t, i).at);
    return at;
  }
  /// weights: the call whose recurrent kernel convolves; turned: for the way back.
  template <class Real>
  Recurrence<Real> convolving(Schedule<Real>& schedule, Call<Real>& call, Call<Real>& weights,
                              Matrix<Real> turned = {}) const {
    Recurrence<Real> q = this->recurrence(schedule, call);
    // Rows of a batch go together until there are enough places for a product.
    q.block = std::clamp<std::size_t>(96 / at.x.places(), 1, Recurrence<Real>::most_rows / 2);
    q.filters = at.filters;
    const std::size_t count = schedule.batch * (schedule.training ? steps : 2);
    const Matrix<Real> z{q.gates.at, count, q.columns};
    const Matrix<Real> dh = turned ? call.save("dh", count * units, units) : Matrix<Real>{};
    q.conv =
        std::make_shared<StepConvolution<Real>>(at.of_h(), states(q), q.xh.at, weights.weight(1)->w, z, turned.at, dh);
    return q;
  }

  /// What the convolution of x gives to the gates, (batch * steps, inputs); in the way back, its gradient.
  template <class Real> Matrix<Real> gates_of_x(const Schedule<Real>& schedule, Call<Real>& call) const {
    return call.save("gates of x", schedule.batch * steps * inputs, inputs);
  }
  template <class Real> Real* drop_x(const Schedule<Real>& schedule, Call<Real>& call) const {
    if (!schedule.training || dropout == 0) return nullptr;
    return call.save("drop x", schedule.batch * at.in.size(), at.in.size()).at;
  }

  bool changes_x(bool training) const { return at.in.turns || masked || (training && dropout > 0); }
  /// x as the convolution reads it, (batch * steps, in).
  template <class Real> Rows read_x(Schedule<Real>& schedule, Call<Real>& call) const {
    const std::size_t n = at.in.size();
    if (!changes_x(schedule.training)) return call.x(n);
    return schedule.rows(call.save("x as read", schedule.batch * steps * n, n));
  }
  /// The same, made: channels last, numbers dropped, and zeros in steps that a mask leaves out, whatever they are.
  /// given: the call whose x it is; call: which has the mask and what is dropped.
  template <class Real> Rows make_x(Schedule<Real>& schedule, Call<Real>& call, Call<Real>& given) const {
    const Rows to = read_x(schedule, given);
    if (!changes_x(schedule.training)) return to;
    const std::size_t n = at.in.size();
    const Matrix<Real> made = given.save("x as read", schedule.batch * steps * n, n);
    Rows from = given.x(n);
    if (at.in.turns) {
      const Matrix<Real> turned = given.save("turned x", made.size(), n);
      copy(schedule, turning(at.in), given.x_matrix(n), turned);
      from = schedule.rows(turned);
    }
    const Real* const factors = drop_x(schedule, call);
    schedule.each_row(schedule.batch, steps * n, {{from.memory, mask(call).memory, factors}, {made.at}},
                      [=, mask = mask(call), steps = steps](std::size_t first, std::size_t count) {
                        std::vector<Real> counts(steps, Real(1));
                        for (std::size_t i = first; i < first + count; ++i) {
                          const auto gather = [&](const Rows& rows, std::size_t row, std::size_t wide, Real* at) {
                            IndirectionBuffer one = rows.pointers;
                            one.at += row;
                            products<Real>().gather(one, 1, wide, at, wide);
                          };
                          if (mask.pointers.at) gather(mask, i, steps, counts.data());
                          for (std::size_t t = 0; t < steps; ++t) {
                            Real* const at = made.at + (i * steps + t) * n;
                            if (counts[t] == 0) {
                              std::fill_n(at, n, Real(0));
                              continue;
                            }
                            gather(from, i * steps + t, n, at);
                            for (std::size_t j = 0; factors && j < n; ++j) at[j] *= factors[i * n + j];
                          }
                        }
                      });
    return to;
  }

  /// dz of all steps -> dw, db, and dx where it is wanted.
  template <class Real> void back_to_x(Schedule<Real>& schedule, Call<Real>& call, Matrix<Real> dz) const {
    const std::size_t n = at.in.size();
    const Matrix<Real> wanted = call.dx(n);
    const Matrix<Real> dx = at.in.turns && wanted ? call.save("turned dx", wanted.size(), n) : wanted;
    Matrix<Real> turned;
    if (dx) turned = turned_kernel(at.of_x(), schedule, call, "turned kernel", call.weight(0));
    convolve_back(at.of_x(), schedule, read_x(schedule, call), {dz.at, dz.at}, dz, turned, dx, call.weight(0),
                  bias(call));
    const Real* const factors = drop_x(schedule, call);
    if (dx && factors)
      schedule.each_row(schedule.batch, steps * n, {{factors}, {dx.at}},
                        [=, steps = steps](std::size_t first, std::size_t count) {
                          for (std::size_t k = first * steps; k < (first + count) * steps; ++k)
                            for (std::size_t j = 0; j < n; ++j) dx.at[k * n + j] *= factors[k / steps * n + j];
                        });
    if (at.in.turns && wanted) copy(schedule, turning(at.in).reversed(), dx, wanted);
  }

  // Outputs and states are of one shape, and all may have to be turned.
  template <class Real>
  Matrix<Real> turned_rows(Schedule<Real>& schedule, Matrix<Real> rows, Call<Real>& call, const char* what,
                           bool fills) const {
    if (!at.in.turns) return rows;
    const Matrix<Real> turned = call.save(what, rows.size(), units);
    if (fills) copy(schedule, turning(at.out), rows, turned);
    return turned;
  }
  template <class Real> void put_y(Schedule<Real>& schedule, Call<Real>& call) const {
    if (!at.in.turns) return;
    const Matrix<Real> y = call.y(units);
    copy(schedule, turning(at.out).reversed(), turned_rows(schedule, y, call, "turned y", false), y);
  }

  /// fills: whether states to begin with are brought where they are read.
  template <class Real>
  RecurrentPorts<Real> ports(Schedule<Real>& schedule, Call<Real>& call, Matrix<Real> z, bool fills = true) const {
    RecurrentPorts<Real> ports = this->read_ports(call);
    ports.x = schedule.rows(z);
    for (std::size_t s = 0; at.in.turns && s < ports.initial.size(); ++s) {
      const std::string what = state_name("turned state", s);
      ports.initial[s] = schedule.rows(turned_rows(schedule, call.x_matrix(units, 1 + s), call, what.c_str(), fills));
    }
    ports.y = reshaped(turned_rows(schedule, call.y(units), call, "turned y", false), ports.y.columns);
    return ports;
  }
  template <class Real> static void fill_zeros(Schedule<Real>& schedule, Matrix<Real> to) {
    schedule.each_row(to.rows, to.columns, {{}, {to.at}}, [=](std::size_t first, std::size_t count) {
      std::fill_n(to.at + first * to.columns, count * to.columns, Real(0));
    });
  }
};

}  // namespace gs
