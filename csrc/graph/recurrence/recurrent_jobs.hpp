// The jobs of a recurrent layer. A chunk is a block of the batch that goes through all steps: nobody waits in between.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "graph/jobs.hpp"
#include "graph/recurrence/cell_tangents.hpp"
#include "graph/recurrence/recurrent_cells.hpp"

namespace gs {

/// What a call of a recurrent layer reads besides its sequences, and where it leaves what it gives.
template <class Real> struct RecurrentPorts {
  Rows x;                              // (batch * steps, inputs)
  std::vector<Rows> initial;           // (state) of (batch, units); or none: they are 0
  Rows mask;                           // (batch, steps): steps of 0 are passed over; or without pointers
  std::vector<Real*> kept;             // (state) of (batch, units): those of a stateful layer, from pass to pass
  Matrix<Real> y;                      // (batch, outputs, the states if they are returned)
  Matrix<Real> dy;                     // the same
  Matrix<Real> dx;                     // (batch * steps, inputs); or nobody wants it
  std::vector<Matrix<Real>> dinitial;  // (state); each may be one that nobody wants
  Real* bias_sums = nullptr;           // (chunk, bias): their gradients by each chunk
};

/// What both directions do with a chunk.
template <class Real> class RecurrentJob : public Job<Real> {
 public:
  RecurrentJob(const CellUse& cell, const Recurrence<Real>& q, const RecurrentPorts<Real>& ports)
      : info_(cell.info()), cell_(cell.functions<Real>()), q_(q), ports_(ports), blocks_(q.batch, q.block) {
    this->chunks = blocks_.count;
  }

 protected:
  RowRange rows_of(std::size_t chunk) const { return {blocks_.begin(chunk), blocks_.size(chunk)}; }

  bool is_masked() const { return ports_.mask.pointers.at; }
  /// The mask of a chunk -> to (rows, steps)
  void read_mask(RowRange rows, Real* to) const {
    IndirectionBuffer from = ports_.mask.pointers;
    from.at += rows.first;
    if (is_masked()) products<Real>().gather(from, rows.count, q_.steps, to, q_.steps);
  }
  bool passes(const Real* mask, std::size_t t, std::size_t i) const {
    return is_masked() && mask[i * q_.steps + q_.time(t)] == 0;
  }
  /// work(rows) for those rows of a chunk, side by side, that do not pass over step t.
  template <class Work> void each_run(const Real* mask, std::size_t t, RowRange rows, const Work& work) const {
    if (!is_masked()) return work(rows);
    for (std::size_t i = 0; i < rows.count; ++i) {
      const std::size_t begin = i;
      while (i < rows.count && !passes(mask, t, i)) ++i;
      if (i > begin) work(RowRange{rows.first + begin, i - begin});
    }
  }

  /// Whether there is an output of step t, and where in a row.
  bool has_output(std::size_t t) const { return q_.return_sequences || t + 1 == q_.steps; }
  std::size_t output(std::size_t t) const { return q_.return_sequences ? t * q_.units : 0; }
  std::size_t state_output(std::size_t state) const {
    return ((q_.return_sequences ? q_.steps : 1) + state) * q_.units;
  }

  const CellInfo& info_;
  const CellFunctions<Real>& cell_;
  const Recurrence<Real> q_;
  const RecurrentPorts<Real> ports_;
  const Blocks blocks_;
};

template <class Real> class RecurrentForwardJob : public RecurrentJob<Real> {
 public:
  RecurrentForwardJob(const CellUse& cell, const Recurrence<Real>& q, const RecurrentPorts<Real>& ports)
      : RecurrentJob<Real>(cell, q, ports) {
    mask_ = this->is_masked() ? align<Real>(q.block * q.steps) : 0;
    this->scratch = mask_ + cell_.scratch(q) + q.multiply_scratch();
  }

  void run(std::size_t chunk, Real* scratch) const override {
    const RowRange rows = this->rows_of(chunk);
    this->read_mask(rows, scratch);
    begin_states(rows);
    const std::size_t ahead = q_.training ? 8 : 1;  // of whose inputs there is room
    for (std::size_t t = 0; t < q_.steps; ++t) {
      if (ThreadTeam::is_cancelled()) return;
      // Several steps of a row lie side by side, where the machine foresees what is read.
      if (t % ahead == 0) read_x(t, std::min(t + ahead, q_.steps), rows, scratch);
      // Together, even if some rows pass over the step: then they get what they had.
      bool any = false;
      for (std::size_t i = 0; i < rows.count; ++i) any |= !this->passes(scratch, t, i);
      if (any) step(t, rows, scratch + mask_);
      for (std::size_t i = 0; i < rows.count; ++i) {
        const bool passes = this->passes(scratch, t, i);
        if (passes) keep(t, rows.first + i);
        if (q_.drop_h) drop(t + 1, rows.first + i);
        put(t, rows.first + i, passes);
      }
    }
    for (std::size_t i = rows.first; i < rows.first + rows.count; ++i)
      for (std::size_t s = 0; s < info_.states; ++s) {
        const Real* const last = state(s, q_.steps, i);
        if (q_.return_state) std::copy_n(last, q_.units, ports_.y.at + i * ports_.y.columns + this->state_output(s));
        if (!ports_.kept.empty()) std::copy_n(last, q_.units, ports_.kept[s] + i * q_.units);
      }
  }

  std::string name() const override { return std::string(info_.name) + " forward"; }

 protected:
  using RecurrentJob<Real>::cell_;
  using RecurrentJob<Real>::info_;
  using RecurrentJob<Real>::q_;
  using RecurrentJob<Real>::ports_;

  virtual void step(std::size_t t, RowRange rows, Real* scratch) const { cell_.forward(q_, t, rows, scratch); }
  std::size_t mask_ = 0;

 private:
  Real* state(std::size_t s, std::size_t t, std::size_t row) const {
    return (s == 0 ? q_.state(t, row) : q_.c.of(t, row)).at;
  }

  void begin_states(RowRange rows) const {
    for (std::size_t i = rows.first; i < rows.first + rows.count; ++i) {
      for (std::size_t s = 0; s < info_.states; ++s) {
        Real* const to = state(s, 0, i);
        if (!ports_.initial.empty()) {
          IndirectionBuffer from = ports_.initial[s].pointers;
          from.at += i;
          products<Real>().gather(from, 1, q_.units, to, q_.units);
        } else if (!ports_.kept.empty()) {
          std::copy_n(ports_.kept[s] + i * q_.units, q_.units, to);
        } else {
          std::fill_n(to, q_.units, Real(0));
        }
      }
      if (q_.drop_h) drop(0, i);
    }
  }

  // Steps [begin, end) of x
  void read_x(std::size_t begin, std::size_t end, RowRange rows, const Real* mask) const {
    for (std::size_t i = rows.first; i < rows.first + rows.count; ++i)
      for (std::size_t t = begin; t < end; ++t) {
        Real* const to = q_.xh.of(t, i).at;
        if (this->passes(mask, t, i - rows.first)) {  // whatever x has there, NaN too, is not to be seen
          std::fill_n(to, q_.inputs, Real(0));
          continue;
        }
        IndirectionBuffer from = ports_.x.pointers;
        from.at += i * q_.steps + q_.time(t);
        products<Real>().gather(from, 1, q_.inputs, to, q_.inputs);
        if (q_.drop_x)
          for (std::size_t j = 0; j < q_.inputs; ++j) to[j] *= q_.drop_x[i * q_.inputs + j];
      }
  }

  /// The states of a row that passes over step t.
  void keep(std::size_t t, std::size_t row) const {
    for (std::size_t s = 0; s < info_.states; ++s) {
      std::copy_n(state(s, t, row), q_.units, state(s, t + 1, row));
    }
  }

  void drop(std::size_t t, std::size_t row) const {
    const Real *const from = q_.h.of(t, row).at, *const factors = q_.drop_h + row * q_.units;
    Real* const to = q_.read_state(t, row).at;
    for (std::size_t j = 0; j < q_.units; ++j) to[j] = from[j] * factors[j];
  }

  // A masked step repeats the output of the step before it; zeros before the first step.
  void put(std::size_t t, std::size_t row, bool passes) const {
    if (!q_.return_sequences && !this->has_output(t) && !this->is_masked()) return;
    Real* const y = ports_.y.at + row * ports_.y.columns + this->output(t);
    if (!passes)
      std::copy_n(q_.state(t + 1, row).at, q_.units, y);
    else if (q_.zero_output || t == 0)
      std::fill_n(y, q_.units, Real(0));
    else if (q_.return_sequences)
      std::copy_n(y - q_.units, q_.units, y);
  }
};

/// The same of directions: of x, of the states to begin with and of the outputs; q: those of the numbers of `forward`.
template <class Real> class RecurrentTangentJob : public RecurrentForwardJob<Real> {
 public:
  RecurrentTangentJob(const CellUse& cell, const Recurrence<Real>& forward, const Recurrence<Real>& q,
                      const RecurrentPorts<Real>& ports)
      : RecurrentForwardJob<Real>(cell, q, ports), forward_(forward), tangent_(tangent_of<Real>(cell)) {
    this->scratch = this->mask_ + tangent_scratch(forward);
  }
  std::string name() const override { return std::string(this->info_.name) + " tangent"; }

 protected:
  void step(std::size_t t, RowRange rows, Real* scratch) const override {
    tangent_({forward_, this->q_, t, rows}, scratch);
  }

 private:
  const Recurrence<Real> forward_;
  const CellTangent<Real> tangent_;
};

template <class Real> class RecurrentBackwardJob : public RecurrentJob<Real> {
 public:
  RecurrentBackwardJob(const CellUse& cell, const Recurrence<Real>& q, const RecurrentPorts<Real>& ports)
      : RecurrentJob<Real>(cell, q, ports) {
    mask_ = this->is_masked() ? align<Real>(q.block * q.steps) : 0;
    each_ = align<Real>(q.block * q.units);
    back_ = q.block * std::max(padded(q.units), padded(q.inputs));
    sums_ = align<Real>(q.columns);
    this->scratch = mask_ + 3 * each_ + back_ + 2 * sums_ + cell_.scratch(q) + q.multiply_scratch();
  }

  void run(std::size_t chunk, Real* scratch) const override {
    const RowRange rows = this->rows_of(chunk);
    Real *const mask = scratch, *const dh = mask + mask_, *const dc = dh + each_, *const held = dc + each_,
                *const back = held + each_, *const sums = back + back_, *const more = sums + 2 * sums_;
    const std::size_t n = q_.units;
    this->read_mask(rows, mask);
    begin_states(rows, dh, dc, held);
    std::fill_n(sums, q_.columns, Real(0));
    bool wants_states = false;
    for (const Matrix<Real>& one : ports_.dinitial) wants_states |= bool(one);
    for (std::size_t t = q_.steps; t-- > 0;) {
      if (ThreadTeam::is_cancelled()) return;
      take_dy(t, rows, mask, dh, held);
      const StridedRows<Real> gates = q_.gates.of(t, rows.first);
      this->each_run(mask, t, rows, [&](RowRange run) {
        const std::size_t at = (run.first - rows.first) * n;
        cell_.backward(q_, t, run, {dh + at, n}, {dc + at, n}, more);
      });
      for (std::size_t i = 0; i < rows.count; ++i)
        if (this->passes(mask, t, i)) std::fill_n(gates.row(i), q_.columns, Real(0));
      if (ports_.bias_sums) {
        kernels().reduce.column_sums[dtype_of<Real>()](gates.at, gates.stride, rows.count, q_.columns, sums + sums_);
        add_to(sums, sums + sums_, q_.columns);
      }
      if (t > 0 || wants_states) {
        const StridedRows<Real> to{back, padded(n)};
        q_.state_grad(t, rows.first, rows.count, to, more);
        for (std::size_t i = 0; i < rows.count; ++i) {
          if (q_.drop_h) multiply_by(q_.drop_h + (rows.first + i) * n, n, to.row(i));
          add_to(dh + i * n, to.row(i), n);
        }
      }
      if (ports_.dx) put_dx(t, rows, back, more);
    }
    if (ports_.bias_sums) cell_.bias_grad(q_, sums, ports_.bias_sums + chunk * info_.biases * info_.gates * n);
    for (std::size_t s = 0; s < ports_.dinitial.size(); ++s)
      if (const Matrix<Real> to = ports_.dinitial[s])
        std::copy_n(s == 0 ? dh : dc, rows.count * n, to.at + rows.first * n);
  }

  std::string name() const override { return std::string(info_.name) + " backward"; }

 private:
  using RecurrentJob<Real>::cell_;
  using RecurrentJob<Real>::info_;
  using RecurrentJob<Real>::q_;
  using RecurrentJob<Real>::ports_;

  static void multiply_by(const Real* factors, std::size_t n, Real* x) {
    for (std::size_t j = 0; j < n; ++j) x[j] *= factors[j];
  }
  const Real* dy(std::size_t row, std::size_t at) const { return ports_.dy.at + row * ports_.dy.columns + at; }

  void begin_states(RowRange rows, Real* dh, Real* dc, Real* held) const {
    std::fill_n(held, rows.count * q_.units, Real(0));
    Real* const all[] = {dh, dc};
    for (std::size_t s = 0; s < 2; ++s)
      for (std::size_t i = 0; i < rows.count; ++i) {
        Real* const to = all[s] + i * q_.units;
        if (q_.return_state && s < info_.states)
          std::copy_n(dy(rows.first + i, this->state_output(s)), q_.units, to);
        else
          std::fill_n(to, q_.units, Real(0));
      }
  }

  // The gradient by the output of a step goes to h; of one that is passed over, to the output before it.
  void take_dy(std::size_t t, RowRange rows, const Real* mask, Real* dh, Real* held) const {
    const std::size_t n = q_.units;
    if (!this->has_output(t) && !this->is_masked()) return;
    for (std::size_t i = 0; i < rows.count; ++i) {
      const bool passes = this->passes(mask, t, i);
      const Real* const given = this->has_output(t) ? dy(rows.first + i, this->output(t)) : nullptr;
      if (!this->is_masked()) {
        add_to(dh + i * n, given, n);
        continue;
      }
      if (given && !(passes && q_.zero_output)) add_to(held + i * n, given, n);
      if (passes) continue;
      add_to(dh + i * n, held + i * n, n);
      std::fill_n(held + i * n, n, Real(0));
    }
  }

  void put_dx(std::size_t t, RowRange rows, Real* back, Real* more) const {
    const StridedRows<Real> to{back, padded(q_.inputs)};
    q_.input_grad(t, rows.first, rows.count, to, more);
    for (std::size_t i = 0; i < rows.count; ++i) {
      const std::size_t row = rows.first + i;
      if (q_.drop_x) multiply_by(q_.drop_x + row * q_.inputs, q_.inputs, to.row(i));
      std::copy_n(to.row(i), q_.inputs, ports_.dx.at + (row * q_.steps + q_.time(t)) * q_.inputs);
    }
  }

  std::size_t mask_ = 0, each_ = 0, back_ = 0, sums_ = 0;
};

}  // namespace gs
