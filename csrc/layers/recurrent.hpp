// LSTM, GRU, SimpleRNN.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "activations/all.hpp"
#include "graph/call.hpp"
#include "graph/recurrence/recurrent_jobs.hpp"
#include "graph/recurrence/step_gradients.hpp"
#include "kernels/layers/drop.hpp"

namespace gs {

/// A cell along the steps of sequences (steps, inputs). Inputs after the first: the states to begin with, if there are
/// any; then the mask (steps), if there is one: steps of 0 leave the states as they are. The output is h after each
/// step, or after the last one; then, if states are returned, all of them, in one row.
struct Recurrent {
  CellUse cell;
  std::size_t steps, inputs, units;
  std::size_t batch = 0;  // of a stateful layer, which begins where the pass before ended; 0: of another
  bool use_bias, return_sequences, return_state, go_backwards, zero_output, masked, starts;
  double dropout, recurrent_dropout;
  std::uint64_t key, recurrent_key;
  ActivationUse activation, recurrent_activation;

  static constexpr const char *name = "recurrent", *both_ways = "bidirectional";
  template <class Settings>
  Recurrent(const Shapes& shapes, const Settings& settings) : Recurrent(shapes, settings, settings.whole("units")) {}
  template <class Settings>
  Recurrent(const Shapes& shapes, const Settings& settings, std::size_t units)
      : cell(cell_of(settings)),
        units(units),
        use_bias(settings.flag("use_bias")),
        return_sequences(settings.flag("return_sequences")),
        return_state(settings.flag("return_state")),
        go_backwards(settings.flag("go_backwards")),
        zero_output(settings.flag("zero_output_for_mask")),
        masked(settings.flag("masked")),
        starts(settings.flag("initial_state")),
        dropout(settings.real("dropout", 0, 1)),
        recurrent_dropout(settings.real("recurrent_dropout", 0, 1)),
        key(settings.key("key")),
        recurrent_key(settings.key("recurrent_key")),
        activation(settings.activation("activation")),
        recurrent_activation(settings.activation("recurrent_activation")) {
    settings.check(shapes[0].size() == 2, "a recurrent layer must have inputs of shape (rows, steps, numbers).");
    steps = shapes[0][0];
    inputs = shapes[0][1];
    if (settings.flag("stateful")) batch = settings.whole("batch");
    settings.check(shapes.size() == 1 + (starts ? cell.info().states : 0) + masked,
                   "a recurrent layer must get sequences, the states to begin with if it is told so, and a mask.");
    for (std::size_t i = 1; i < shapes.size(); ++i)
      settings.check(size_of(shapes[i]) == (i + masked == shapes.size() ? steps : units),
                     "states must have as many numbers as there are units, and a mask as there are steps.");
  }
  template <class Settings> static CellUse cell_of(const Settings& settings) {
    const std::string wanted = settings.text("cell");
    std::size_t number = 0;
    while (number < CellUse::count && wanted != CellUse(number).info().name) ++number;
    settings.check(number < CellUse::count, "cell must be simple_rnn, lstm, gru, gru_reset_before or conv_lstm.");
    return CellUse(number);
  }
  /// Of a state, and of the output of a step.
  Shape step_shape() const { return {units}; }
  Shape output() const {
    const std::size_t states = return_state ? cell.info().states * units : 0;
    if (states == 0 && return_sequences) return {steps, units};
    return {(return_sequences ? steps : 1) * units + states};
  }
  std::vector<std::uint64_t*> keys() { return {&key, &recurrent_key}; }
  Shapes weights() const {
    Shapes all{{inputs, cell.info().gates * units}, {units, cell.info().gates * units}};
    if (use_bias && cell.info().biases == 1) all.push_back({cell.info().gates * units});
    if (use_bias && cell.info().biases == 2) all.push_back({2, cell.info().gates * units});
    for (std::size_t s = 0; batch && s < cell.info().states; ++s) all.push_back({batch, units});
    return all;
  }
  /// Whether weight i is a state that passes leave.
  bool is_state(std::size_t i) const { return i >= std::size_t(2 + use_bias); }
  /// Multiplications of a row.
  std::size_t multiplications() const { return steps * (inputs + units) * cell.info().gates * units; }

  // x (batch, steps, inputs) -> y (batch, outputs)
  template <class Real> void forward(Schedule<Real>& schedule, Call<Real>& call) const {
    check_batch(schedule);
    Recurrence<Real> q = recurrence(schedule, call);
    pack(schedule, call, q);
    if (q.drop_x) draw(schedule, q.drop_x, inputs, dropout, key);
    if (q.drop_h) draw(schedule, q.drop_h, units, recurrent_dropout, recurrent_key);
    RecurrentPorts<Real> ports = read_ports(call);
    ports.x = call.x(inputs);
    run_forward(schedule, q, ports, {{q.forward_x.at, q.drop_x}, {}});
  }

  // dy (batch, outputs) -> dx (batch, steps, inputs), dw, du, db
  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    Recurrence<Real> q = recurrence(schedule, call);
    panels(schedule, call, q);
    RecurrentPorts<Real> ports = read_ports(call);
    ports.x = call.x(inputs);
    const std::size_t outputs = size_of(output());
    ports.dy = call.dy(outputs);
    ports.dx = call.dx(inputs);
    Access access{{ports.dy.at, ports.x.memory, ports.mask.memory, q.forward_x.at}, {q.xh.at, ports.dx.at}};
    for (std::size_t s = 0; starts && s < cell.info().states; ++s) {
      ports.dinitial.push_back(call.dx(units, 1 + s));
      access.writes.push_back(ports.dinitial.back().at);
    }
    const Matrix<Real> db = call.save("bias sums", biases() * Blocks(q.batch, q.block).count, biases());
    if (use_bias && call.weight(2)->trainable()) {
      ports.bias_sums = db.at;
      access.writes.push_back(db.at);
    }
    schedule.run(std::make_unique<RecurrentBackwardJob<Real>>(cell, q, ports), access);
    clear_mask_grad(schedule, call);
    schedule.weight_grad(terms(schedule, q, cell.template functions<Real>().kernel_parts(q)), {{q.xh.at}, {}},
                         call.weight(0));
    schedule.weight_grad(terms(schedule, q, cell.template functions<Real>().recurrent_parts(q)), {{q.xh.at}, {}},
                         call.weight(1));
    if (use_bias) schedule.bias_grad(db, call.weight(2));
  }

  // dx (batch, steps, inputs), dw, du, db -> dy (batch, outputs)
  template <class Real> void tangent(Schedule<Real>& schedule, Call<Real>& call, Call<Real>& d) const {
    Recurrence<Real> q = recurrence(schedule, call), moves = recurrence(schedule, d);
    panels(schedule, call, q);
    if (d.weights_move()) pack(schedule, d, moves);
    moves.drop_x = q.drop_x;
    moves.drop_h = q.drop_h;
    RecurrentPorts<Real> ports = read_ports(d);
    ports.x = d.x(inputs);
    if (masked) ports.mask = call.x(steps, mask_input());
    run_tangent(schedule, q, moves, ports, {{q.forward_x.at, moves.forward_x.at, q.drop_x}, {}});
  }

 protected:
  template <class Real> void check_batch(const Schedule<Real>& schedule) const {
    if (batch && schedule.batch != batch)
      throw std::invalid_argument("a stateful layer must get batches of " + std::to_string(batch) +
                                  " rows, for which it was built; got " + std::to_string(schedule.batch) + ".");
  }

  /// access: what else it reads.
  template <class Real>
  void run_forward(Schedule<Real>& schedule, const Recurrence<Real>& q, const RecurrentPorts<Real>& ports,
                   Access access) const {
    access.reads.insert(access.reads.end(), {ports.x.memory, ports.mask.memory, q.drop_h});
    access.writes.insert(access.writes.end(), {ports.y.at, q.xh.at});
    for (const Rows& rows : ports.initial) access.reads.push_back(rows.memory);
    for (const Real* kept : ports.kept) access.writes.push_back(kept);
    schedule.run(std::make_unique<RecurrentForwardJob<Real>>(cell, q, ports), access);
  }
  template <class Real>
  void run_tangent(Schedule<Real>& schedule, const Recurrence<Real>& q, const Recurrence<Real>& moves,
                   RecurrentPorts<Real> ports, Access access) const {
    ports.kept.clear();
    access.reads.insert(access.reads.end(), {ports.x.memory, ports.mask.memory, q.xh.at, q.drop_h});
    access.writes.insert(access.writes.end(), {ports.y.at, moves.xh.at});
    for (const Rows& rows : ports.initial) access.reads.push_back(rows.memory);
    schedule.run(std::make_unique<RecurrentTangentJob<Real>>(cell, q, moves, ports), access);
  }
  /// Nothing moves a mask.
  template <class Real> void clear_mask_grad(Schedule<Real>& schedule, Call<Real>& call) const {
    if (!masked) return;
    if (const Matrix<Real> none = call.dx(steps, mask_input()))
      schedule.each_row(none.rows, steps, {{}, {none.at}}, [none](std::size_t first, std::size_t count) {
        std::fill_n(none.at + first * none.columns, count * none.columns, Real(0));
      });
  }
  std::size_t mask_input() const { return starts ? 1 + cell.info().states : 1; }

  std::size_t biases() const { return cell.info().biases * cell.info().gates * units; }

  /// in_inference: how many steps are kept there, 1 or 2; dense: rows lie side by side.
  template <class Real>
  Series<Real> series(const char* what, const Schedule<Real>& schedule, Call<Real>& call, std::size_t n,
                      std::size_t in_training, std::size_t in_inference, bool dense = false) const {
    const std::size_t pitch = dense ? n : odd_pitch<Real>(n), step = schedule.batch * pitch;
    const std::size_t count = schedule.training ? in_training : in_inference;
    return {call.save(what, count * step, pitch).at, pitch, step, schedule.training ? ~std::size_t(0) : count - 1};
  }

  template <class Real> Recurrence<Real> recurrence(Schedule<Real>& schedule, Call<Real>& call) const {
    Recurrence<Real> q;
    q.batch = schedule.batch;
    q.steps = steps;
    q.inputs = inputs;
    q.units = units;
    q.columns = cell.info().columns * units;
    // More rows share what is read of weights that do not stay in a near cache.
    const bool is_large = (inputs + units) * cell.info().gates * units * sizeof(Real) > (1u << 20);
    q.block = is_large ? Recurrence<Real>::most_rows : Recurrence<Real>::most_rows / 2;
    q.training = schedule.training;
    q.go_backwards = go_backwards;
    q.return_sequences = return_sequences;
    q.return_state = return_state;
    q.zero_output = zero_output;
    q.activation = activation;
    q.recurrent_activation = recurrent_activation;
    const bool trains = schedule.training;
    const auto uses_input = [](const ActivationUse& f) { return kernels().map.of[f.index].uses_input; };
    q.keeps_inner = trains && (uses_input(activation) || (cell.info().gates > 1 && uses_input(recurrent_activation)));
    const std::size_t rows = schedule.batch;
    q.xh = series("x and h", schedule, call, inputs + units, steps + 1, 2);
    const bool dense = cell.info().convolves;  // as convolutions read them
    const std::size_t wide = dense ? q.columns : padded(q.columns), few = dense ? 2 : 1;
    q.gates = series("gates", schedule, call, wide, steps, few, dense);
    q.inner = q.keeps_inner ? series("inner", schedule, call, wide, steps, few, dense) : q.gates;
    if (cell.info().states > 1) {
      // No product reads them: their rows lie side by side.
      q.c = series("c", schedule, call, align<Real>(units), steps + 1, 2, true);
      q.act_c = series("activated c", schedule, call, align<Real>(units), steps, 1, true);
    }
    if (cell.info().resets_before) q.reset_h = series("reset h", schedule, call, units, steps, 1);
    if (trains && dropout > 0 && !dense) q.drop_x = call.save("drop x", rows * inputs, inputs).at;
    if (trains && recurrent_dropout > 0) {
      q.drop_h = call.save("drop h", rows * units, units).at;
      q.h = series("h", schedule, call, units, steps + 1, 2);
    }
    return q;
  }

  /// Factors 0 or 1 / (1 - rate) for each number of a row, (batch, n), the same at all steps.
  template <class Real>
  static void draw(Schedule<Real>& schedule, Real* to, std::size_t n, double rate, std::uint64_t key) {
    const Draw drawn{key, 0, drop_threshold(rate), rate < 1 ? 1 / (1 - rate) : 0};
    schedule.each_row(schedule.batch, n, {{}, {to}}, [=, &schedule](std::size_t first, std::size_t count) {
      Draw of_pass = drawn;
      of_pass.pass = schedule.number;
      std::fill_n(to + first * n, count * n, Real(1));
      kernels().drop.drop[dtype_of<Real>()](to + first * n, count, n, schedule.ids.data() + first, of_pass);
    });
  }

  /// The memory of the panels, and what they are packed of.
  template <class Real>
  std::vector<Packing<Real>> panels(Schedule<Real>& schedule, Call<Real>& call, Recurrence<Real>& q) const {
    const std::size_t all = cell.info().gates * units;
    std::vector<Packing<Real>> parts =
        cell.template functions<Real>().packings(q, call.weight(0)->w, call.weight(1)->w);
    if (use_bias) {
      q.bias_x = {nullptr, 1, all};
      parts.push_back({call.weight(2)->w, all, 1, all, false, &q.bias_x, 0});
    }
    if (use_bias && cell.info().biases == 2) {
      q.bias_h = {nullptr, 1, all};
      parts.push_back({call.weight(2)->w + all, all, 1, all, false, &q.bias_h, 0});
    }
    std::vector<Packing<Real>> needed;
    for (const Packing<Real>& part : parts)
      if (schedule.training || !part.transposed) needed.push_back(part);
    std::size_t number = 0;
    for (const Packing<Real>& part : needed) {
      if (!part.to->at) part.to->at = call.save("panels " + std::to_string(number), part.to->size(), 64).at;
      ++number;
    }
    return needed;
  }

  template <class Real> void pack(Schedule<Real>& schedule, Call<Real>& call, Recurrence<Real>& q) const {
    struct Part {
      Packing<Real> packing;
      Panels<Real> to;
    };
    std::vector<Part> parts;
    Access access{{}, {}};
    std::size_t count = 0;
    for (const Packing<Real>& part : panels(schedule, call, q)) {
      parts.push_back({part, *part.to});
      access.reads.push_back(part.from);
      count += part.to->count();
    }
    for (std::size_t i = 0; i < std::size_t(2 + use_bias); ++i) access.reads.push_back(call.weight(i)->w);
    access.writes.push_back(q.forward_x.at);
    const auto work = [parts](std::size_t first, std::size_t count) {
      for (std::size_t i = first; i < first + count; ++i) {
        std::size_t k = 0, panel = i;
        for (; panel >= parts[k].to.count(); ++k) panel -= parts[k].to.count();
        Packing<Real>::pack(parts[k].packing, parts[k].to, panel);
      }
    };
    schedule.each_row(count, 64 * (inputs + units), access, work);
  }

  /// All that there is in forward, but for x.
  template <class Real> RecurrentPorts<Real> read_ports(Call<Real>& call) const {
    RecurrentPorts<Real> ports;
    for (std::size_t s = 0; starts && s < cell.info().states; ++s) ports.initial.push_back(call.x(units, 1 + s));
    if (masked) ports.mask = call.x(steps, mask_input());
    for (std::size_t s = 0; batch && s < cell.info().states; ++s)
      ports.kept.push_back(call.weight(2 + use_bias + s)->w);
    ports.y = call.y(size_of(output()));
    return ports;
  }

  template <class Real>
  std::vector<StepTerm<Real>> terms(Schedule<Real>& schedule, const Recurrence<Real>& q,
                                    const std::vector<GradPart<Real>>& parts) const {
    std::vector<StepTerm<Real>> all;
    for (const GradPart<Real>& part : parts)
      all.push_back({schedule.rows({part.a.at, steps * q.batch, part.a.pitch}), part.a_offset,
                     q.gates.at + part.gate_column, q.gates.pitch, part.column, part.columns});
    return all;
  }
};

}  // namespace gs
