// Bidirectional, of layers whose products are sums or convolutions.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "graph/call.hpp"
#include "layers/conv_recurrent.hpp"
#include "layers/recurrent.hpp"

namespace gs {

/// Two recurrent layers over the same sequences, one of which begins at the end; their outputs, step for step, are put
/// side by side along the last axis, added, multiplied, or left one after the other. Inputs after the first: the states
/// that each begins with, then the mask. The states that both return come behind the output. Schuster & Paliwal 1997,
/// doi:10.1109/78.650093.
template <class Way> struct BidirectionalOf {
  enum class Join { concat, sum, mean, product, none } join;
  std::vector<Way> directions;                     // forward, backward
  std::vector<std::size_t> inputs[2];              // of this layer that each has
  std::size_t steps;                               // of the outputs
  std::size_t units[2], rows[2], first_weight[2];  // rows: numbers that each gives
  std::size_t last[2];                             // numbers that are put side by side; units[k] at a time otherwise

  static constexpr const char* name = Way::both_ways;
  template <class Settings> BidirectionalOf(const Shapes& shapes, const Settings& settings) : join(joined(settings)) {
    const bool masked = settings.flag("masked");
    const std::size_t states = shapes.size() - 1 - masked;
    settings.check(states % 2 == 0, "each direction must have as many states to begin with.");
    std::size_t next = 1;
    for (std::size_t k = 0; k < 2; ++k) {
      inputs[k] = {0};
      const auto part = settings.part(k == 0 ? "forward" : "backward");
      const std::size_t own = part.flag("initial_state") ? Way::cell_of(part).info().states : 0;
      for (std::size_t s = 0; s < own && next + masked < shapes.size(); ++s) inputs[k].push_back(next++);
      if (masked) inputs[k].push_back(shapes.size() - 1);
      Shapes read;
      for (const std::size_t i : inputs[k]) read.push_back(shapes[i]);
      directions.emplace_back(read, part);
      first_weight[k] = k == 0 ? 0 : directions[0].weights().size();
      const Way& one = directions[k];
      units[k] = one.units;
      last[k] = join == Join::concat ? one.step_shape().back() : units[k];
      rows[k] = size_of(one.output());
      steps = one.return_sequences ? one.steps : 1;
    }
    settings.check(join == Join::none || units[0] / last[0] == units[1] / last[1],
                   "outputs of other shapes can only be left apart, or put side by side along the last axis.");
    settings.check(is_side_by_side() || units[0] == units[1],
                   "layers of other numbers of units can only be put side by side.");
  }
  Shape output() const {
    if (join != Join::none && !directions[0].return_state) {
      Shape shape = directions[0].output();
      if (join == Join::concat) shape.back() = last[0] + last[1];
      return shape;
    }
    return {joined_size() + rows[0] + rows[1] - steps * (units[0] + units[1])};
  }
  std::vector<std::uint64_t*> keys() {
    std::vector<std::uint64_t*> all = directions[0].keys();
    for (std::uint64_t* const key : directions[1].keys()) all.push_back(key);
    return all;
  }
  Shapes weights() const {
    Shapes all;
    for (const Way& one : directions) {
      const Shapes own = one.weights();
      all.insert(all.end(), own.begin(), own.end());
    }
    return all;
  }
  bool is_state(std::size_t i) const {
    const std::size_t k = i >= first_weight[1];
    return directions[k].is_state(i - first_weight[k]);
  }
  std::size_t multiplications() const {
    std::size_t sum = 0;
    for (const Way& one : directions) sum += one.multiplications();
    return sum;
  }

  // x (batch, steps, inputs) -> y (batch, outputs)
  template <class Real> void forward(Schedule<Real>& schedule, Call<Real>& call) const {
    for (std::size_t k = 0; k < 2; ++k) {
      Call<Real> part = part_of(call, k);
      directions[k].forward(schedule, part);
    }
    const Matrix<Real> y = call.y(size_of(output())), f = output_of(call, 0), b = output_of(call, 1);
    schedule.each_row(y.rows, y.columns, {{f.at, b.at}, {y.at}}, [=, *this](std::size_t first, std::size_t count) {
      for (std::size_t i = first; i < first + count; ++i)
        put(f.at + i * f.columns, b.at + i * b.columns, y.at + i * y.columns);
    });
  }

  // dy (batch, outputs) -> dx (batch, steps, inputs), and the gradients by the weights of both
  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Matrix<Real> dy = call.dy(size_of(output())), f = output_of(call, 0), b = output_of(call, 1);
    const Matrix<Real> df = call.save("forward dy", f.size(), f.columns);
    const Matrix<Real> db = call.save("backward dy", b.size(), b.columns);
    schedule.each_row(dy.rows, dy.columns, {{dy.at, f.at, b.at}, {df.at, db.at}},
                      [=, *this](std::size_t first, std::size_t count) {
                        for (std::size_t i = first; i < first + count; ++i)
                          split(dy.at + i * dy.columns, f.at + i * f.columns, b.at + i * b.columns,
                                df.at + i * df.columns, db.at + i * db.columns);
                      });
    const Matrix<Real> dx = call.dx(1);
    const Matrix<Real> more = dx ? call.save("backward dx", dx.size(), 1) : dx;
    for (std::size_t k = 0; k < 2; ++k) {
      Call<Real> part = part_of(call, k);
      std::vector<Matrix<Real>> dxs{k == 0 ? dx : more};
      for (std::size_t i = 1; i < inputs[k].size(); ++i) dxs.push_back(call.dx(1, inputs[k][i]));
      part.go_back(k == 0 ? df : db, dxs);
      directions[k].backward(schedule, part);
    }
    if (dx) schedule.accumulate(more, dx);
  }

  // dx, the directions of the weights of both -> dy (batch, outputs)
  template <class Real> void tangent(Schedule<Real>& schedule, Call<Real>& call, Call<Real>& d) const {
    for (std::size_t k = 0; k < 2; ++k) {
      Call<Real> part = part_of(call, k), moves = part_of(d, k);
      directions[k].tangent(schedule, part, moves);
    }
    const Matrix<Real> dy = d.y(size_of(output())), df = output_of(d, 0), db = output_of(d, 1), f = output_of(call, 0),
                       b = output_of(call, 1);
    schedule.each_row(dy.rows, dy.columns, {{df.at, db.at, f.at, b.at}, {dy.at}},
                      [=, *this](std::size_t first, std::size_t count) {
                        for (std::size_t i = first; i < first + count; ++i) {
                          const Real *const one = df.at + i * df.columns, *const other = db.at + i * db.columns;
                          put(one, other, dy.at + i * dy.columns);
                          if (join == Join::product)
                            put_product(f.at + i * f.columns, one, b.at + i * b.columns, other, dy.at + i * dy.columns);
                        }
                      });
  }

 private:
  template <class Settings> static Join joined(const Settings& settings) {
    const std::string mode = settings.text("merge_mode");
    const char* const names[] = {"concat", "sum", "ave", "mul", "none"};
    const auto found = std::find(names, names + 5, mode);
    settings.check(found != names + 5, "merge_mode must be concat, sum, ave, mul or none.");
    return Join(found - names);
  }
  bool is_side_by_side() const { return join == Join::concat || join == Join::none; }
  /// Numbers of the joined outputs.
  std::size_t joined_size() const { return steps * (is_side_by_side() ? units[0] + units[1] : units[0]); }

  template <class Real> Matrix<Real> output_of(Call<Real>& call, std::size_t k) const {
    const std::size_t batch = call.y(size_of(output())).rows;
    return call.save(k == 0 ? "forward y" : "backward y", batch * rows[k], rows[k]);
  }
  template <class Real> Call<Real> part_of(Call<Real>& call, std::size_t k) const {
    return call.part(k == 0 ? "forward" : "backward", inputs[k], first_weight[k], output_of(call, k));
  }

  /// work(where an output of the forward layer lies, one of the backward layer, and theirs when they are joined).
  template <class Work> void each_output(Work work) const {
    const std::size_t wide = last[0] + last[1], places = units[0] / last[0];
    for (std::size_t t = 0; t < steps; ++t) {
      const std::size_t f = t * units[0], b = (steps - 1 - t) * units[1];
      if (join == Join::concat)
        for (std::size_t p = 0; p < places; ++p) {
          const std::size_t to = (t * places + p) * wide;
          work(f + p * last[0], b + p * last[1], to, to + last[0]);
        }
      else if (join == Join::none)
        work(f, b, f, steps * units[0] + t * units[1]);
      else
        work(f, b, f, f);
    }
  }

  // The outputs of a row, and its states -> y
  template <class Real> void put(const Real* f, const Real* b, Real* y) const {
    each_output([&](std::size_t at_f, std::size_t at_b, std::size_t first, std::size_t second) {
      const Real *const one = f + at_f, *const other = b + at_b;
      Real* const to = y + first;
      if (is_side_by_side()) {
        std::copy_n(one, last[0], to);
        std::copy_n(other, last[1], y + second);
      } else {
        const Real share = join == Join::mean ? Real(0.5) : Real(1);
        for (std::size_t j = 0; j < units[0]; ++j)
          to[j] = join == Join::product ? one[j] * other[j] : (one[j] + other[j]) * share;
      }
    });
    Real* to = std::copy(f + steps * units[0], f + rows[0], y + joined_size());
    std::copy(b + steps * units[1], b + rows[1], to);
  }

  /// The direction of products, over what `put` left.
  template <class Real> void put_product(const Real* f, const Real* df, const Real* b, const Real* db, Real* dy) const {
    each_output([&](std::size_t at_f, std::size_t at_b, std::size_t first, std::size_t) {
      for (std::size_t j = 0; j < units[0]; ++j)
        dy[first + j] = df[at_f + j] * b[at_b + j] + f[at_f + j] * db[at_b + j];
    });
  }

  template <class Real> void split(const Real* dy, const Real* f, const Real* b, Real* df, Real* db) const {
    each_output([&](std::size_t at_f, std::size_t at_b, std::size_t first, std::size_t second) {
      const Real* const from = dy + first;
      if (is_side_by_side()) {
        std::copy_n(from, last[0], df + at_f);
        std::copy_n(dy + second, last[1], db + at_b);
      } else {
        const Real share = join == Join::mean ? Real(0.5) : Real(1);
        for (std::size_t j = 0; j < units[0]; ++j) {
          df[at_f + j] = from[j] * (join == Join::product ? b[at_b + j] : share);
          db[at_b + j] = from[j] * (join == Join::product ? f[at_f + j] : share);
        }
      }
    });
    const Real* from = dy + joined_size();
    std::copy_n(from, rows[0] - steps * units[0], df + steps * units[0]);
    from += rows[0] - steps * units[0];
    std::copy_n(from, rows[1] - steps * units[1], db + steps * units[1]);
  }
};

using Bidirectional = BidirectionalOf<Recurrent>;
using ConvBidirectional = BidirectionalOf<ConvRecurrent>;

}  // namespace gs
