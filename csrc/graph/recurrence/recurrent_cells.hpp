// The cells of recurrent layers: what a step does with some rows of a batch, forward and backward.
//
// A cell has in `forward` h and the other states before step t, and x, and makes those after it; in `backward` dh and
// dc, the gradients by the states after it, from which it makes those of `gates`, in place, and dh and dc of the
// states before, but for what comes through the product of `gates` with the recurrent kernel.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "graph/recurrence/recurrence.hpp"

namespace gs {

/// A part of the gradient of a weight: rows of `a`, from number `a_offset` on, times columns of the gates.
template <class Real> struct GradPart {
  Series<Real> a;
  std::size_t a_offset, gate_column, column, columns;
};

/// Some rows, from `first` on.
struct RowRange {
  std::size_t first, count;
};

/// What a cell is, whatever its numbers are.
struct CellInfo {
  const char* name;
  std::size_t gates;    // columns of its kernels, over units
  std::size_t states;   // what a step takes from the step before
  std::size_t biases;   // vectors as wide as the kernels
  std::size_t columns;  // numbers that backward needs of a step, over units, besides the states
  bool resets_before;   // whether a second product reads the state that a gate has reset
  bool convolves = false;
};

/// h = f(x w + h u + b). Elman 1990, doi:10.1207/s15516709cog1402_1.
struct SimpleRnnCell {
  static constexpr CellInfo info{"simple_rnn", 1, 1, 1, 1, false};
  template <class Real> static std::size_t scratch(const Recurrence<Real>& q) { return q.block * q.gates.pitch; }

  template <class Real> static void forward(const Recurrence<Real>& q, std::size_t t, RowRange rows, Real* scratch) {
    const StridedRows<Real> z = q.gates.of(t, rows.first);
    q.multiply(q.xh.of(t, rows.first), rows.count, q.forward_x, q.bias_x.at, z, scratch);
    if (q.keeps_inner) copy_rows(z, q.inner.of(t, rows.first), rows.count, q.units);
    q.activate(q.activation, z, rows.count, q.units);
    copy_rows(z, q.state(t + 1, rows.first), rows.count, q.units);
  }

  template <class Real>
  static void backward(const Recurrence<Real>& q, std::size_t t, RowRange rows, StridedRows<Real> dh, StridedRows<Real>,
                       Real* scratch) {
    const StridedRows<Real> z = q.gates.of(t, rows.first), d{scratch, z.stride};
    copy_rows(dh, d, rows.count, q.units);
    q.differentiate(q.activation, q.inner.of(t, rows.first).at, z.at, d, rows.count, q.units);
    copy_rows(d, z, rows.count, q.units);
    for (std::size_t i = 0; i < rows.count; ++i) std::fill_n(dh.row(i), q.units, Real(0));
  }

  /// Sets the sizes of the panels, and says what of w (inputs, gates units) and u (units, gates units) they hold.
  template <class Real> static std::vector<Packing<Real>> packings(Recurrence<Real>& q, const Real* w, const Real* u) {
    const std::size_t n = q.units, all = q.columns;
    q.forward_x = {nullptr, q.inputs + n, all};
    q.back_x = {nullptr, all, q.inputs};
    q.back_h = {nullptr, all, n};
    return {{w, all, q.inputs, all, false, &q.forward_x, 0},
            {u, all, n, all, false, &q.forward_x, q.inputs},
            {w, all, q.inputs, all, true, &q.back_x, 0},
            {u, all, n, all, true, &q.back_h, 0}};
  }
  template <class Real> static std::vector<GradPart<Real>> kernel_parts(const Recurrence<Real>& q) {
    return {{q.xh, 0, 0, 0, q.columns}};
  }
  template <class Real> static std::vector<GradPart<Real>> recurrent_parts(const Recurrence<Real>& q) {
    return {{q.xh, q.inputs, 0, 0, q.columns}};
  }
  template <class Real> static void bias_grad(const Recurrence<Real>& q, const Real* sums, Real* db) {
    std::copy_n(sums, q.columns, db);
  }
};

/// c = f c + i c~, h = o act(c), with gates i, f, c~, o. Hochreiter & Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735;
/// Gers, Schmidhuber & Cummins 2000, doi:10.1162/089976600300015015.
struct LstmCell {
  static constexpr CellInfo info{"lstm", 4, 2, 1, 4, false};
  template <class Real> static std::size_t scratch(const Recurrence<Real>& q) {
    return q.is_fused() ? 0 : q.block * (q.gates.pitch + q.c.pitch);
  }

  template <class Real> static void forward(const Recurrence<Real>& q, std::size_t t, RowRange rows, Real* scratch) {
    const std::size_t first = rows.first;
    const StridedRows<Real> z = q.gates.of(t, first);
    q.multiply(q.xh.of(t, first), rows.count, q.forward_x, q.bias_x.at, z, scratch);
    advance(q, rows.count, q.units, z, q.inner.of(t, first), q.c.of(t, first), q.c.of(t + 1, first),
            q.act_c.of(t, first), q.state(t + 1, first));
  }

  // z (count, 4 n), before the activations, c0 (count, n) -> those after, in place; inner: what they were; c, its
  // activation, h (count, n)
  template <class Real>
  static void advance(const Recurrence<Real>& q, std::size_t count, std::size_t n, StridedRows<Real> z,
                      StridedRows<Real> inner, StridedRows<Real> c0, StridedRows<Real> c, StridedRows<Real> act_c,
                      StridedRows<Real> h) {
    if (q.is_fused()) return cell_loops<Real>().lstm_forward(count, n, z, c0, c, act_c, h);
    if (q.keeps_inner) copy_rows(z, inner, count, 4 * n);
    for (std::size_t g = 0; g < 4; ++g) q.activate(gate(q, g), {z.at + g * n, z.stride}, count, n);
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t j = 0; j < n; ++j)
        c.row(i)[j] = z.row(i)[n + j] * c0.row(i)[j] + z.row(i)[j] * z.row(i)[2 * n + j];
    copy_rows(c, act_c, count, n);
    q.activate(q.activation, act_c, count, n);
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t j = 0; j < n; ++j) h.row(i)[j] = z.row(i)[3 * n + j] * act_c.row(i)[j];
  }

  template <class Real>
  static void backward(const Recurrence<Real>& q, std::size_t t, RowRange rows, StridedRows<Real> dh,
                       StridedRows<Real> dc, Real* scratch) {
    const std::size_t first = rows.first;
    go_back(q, rows.count, q.units, q.gates.of(t, first), q.inner.of(t, first), q.c.of(t, first), q.c.of(t + 1, first),
            q.act_c.of(t, first), dh, dc, scratch);
  }

  // What `advance` left, dh and dc -> gradients by the gates before their activations, in place; dc of the step before
  template <class Real>
  static void go_back(const Recurrence<Real>& q, std::size_t count, std::size_t n, StridedRows<Real> z,
                      StridedRows<Real> inner, StridedRows<Real> c0, StridedRows<Real> c, StridedRows<Real> act_c,
                      StridedRows<Real> dh, StridedRows<Real> dc, Real* scratch) {
    if (q.is_fused()) return cell_loops<Real>().lstm_backward(count, n, z, c0, act_c, dh, dc);
    const StridedRows<Real> d{scratch, z.stride}, by_c{scratch + count * z.stride, act_c.stride};
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t j = 0; j < n; ++j) by_c.row(i)[j] = dh.row(i)[j] * z.row(i)[3 * n + j];
    q.differentiate(q.activation, c.at, act_c.at, by_c, count, n);
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t j = 0; j < n; ++j) {
        const Real* const gates = z.row(i);
        const Real sum = dc.row(i)[j] + by_c.row(i)[j];
        d.row(i)[j] = sum * gates[2 * n + j];
        d.row(i)[n + j] = sum * c0.row(i)[j];
        d.row(i)[2 * n + j] = sum * gates[j];
        d.row(i)[3 * n + j] = dh.row(i)[j] * act_c.row(i)[j];
        dc.row(i)[j] = sum * gates[n + j];
        dh.row(i)[j] = 0;
      }
    for (std::size_t g = 0; g < 4; ++g)
      q.differentiate(gate(q, g), inner.at + g * n, z.at + g * n, {d.at + g * n, d.stride}, count, n);
    copy_rows(d, z, count, 4 * n);
  }

  template <class Real> static std::vector<Packing<Real>> packings(Recurrence<Real>& q, const Real* w, const Real* u) {
    return SimpleRnnCell::packings(q, w, u);
  }
  template <class Real> static std::vector<GradPart<Real>> kernel_parts(const Recurrence<Real>& q) {
    return SimpleRnnCell::kernel_parts(q);
  }
  template <class Real> static std::vector<GradPart<Real>> recurrent_parts(const Recurrence<Real>& q) {
    return SimpleRnnCell::recurrent_parts(q);
  }
  template <class Real> static void bias_grad(const Recurrence<Real>& q, const Real* sums, Real* db) {
    SimpleRnnCell::bias_grad(q, sums, db);
  }

 private:
  template <class Real> static const ActivationUse& gate(const Recurrence<Real>& q, std::size_t g) {
    return g == 2 ? q.activation : q.recurrent_activation;
  }
};

/// The same at each place of samples, with convolutions in place of the products: numbers of x are what its convolution
/// gives to the gates of each place, and those of h what its filters are at each. Shi et al. 2015, arXiv:1506.04214.
struct ConvLstmCell : LstmCell {
  static constexpr CellInfo info{"conv_lstm", 4, 2, 1, 4, false, true};

  template <class Real> static void forward(const Recurrence<Real>& q, std::size_t t, RowRange rows, Real* scratch) {
    const std::size_t n = q.filters;
    q.conv->forward(q.number(t, rows.first), rows.count, scratch);
    for (std::size_t i = rows.first; i < rows.first + rows.count; ++i) {
      const StridedRows<Real> z = at_places(q.gates, t, i, 4 * n);
      add_to(z.at, q.xh.of(t, i).at, q.inputs);
      advance(q, q.places(), n, z, at_places(q.inner, t, i, 4 * n), at_places(q.c, t, i, n),
              at_places(q.c, t + 1, i, n), at_places(q.act_c, t, i, n), {q.state(t + 1, i).at, n});
    }
  }

  template <class Real>
  static void backward(const Recurrence<Real>& q, std::size_t t, RowRange rows, StridedRows<Real> dh,
                       StridedRows<Real> dc, Real* scratch) {
    const std::size_t n = q.filters;
    for (std::size_t k = 0; k < rows.count; ++k) {
      const std::size_t i = rows.first + k;
      go_back(q, q.places(), n, at_places(q.gates, t, i, 4 * n), at_places(q.inner, t, i, 4 * n),
              at_places(q.c, t, i, n), at_places(q.c, t + 1, i, n), at_places(q.act_c, t, i, n), {dh.row(k), n},
              {dc.row(k), n}, scratch);
    }
  }

  /// What a row has at each of its places, n numbers.
  template <class Real>
  static StridedRows<Real> at_places(const Series<Real>& series, std::size_t t, std::size_t row, std::size_t n) {
    return {series.of(t, row).at, n};
  }
};

/// h = z h + (1 - z) h~ with gates z, r; h~ of the reset state r h, or, with `reset_after`, of r (h u + b). The gates
/// of a step are kept as h~, z, r, and with `reset_after` h u + b. Cho et al. 2014, arXiv:1406.1078.
template <bool reset_after> struct GruCell {
  static constexpr CellInfo info{
      reset_after ? "gru" : "gru_reset_before", 3, 1, reset_after ? 2 : 1, reset_after ? 4 : 3, !reset_after};
  // What x gives, and what h gives; and gradients of gates.
  template <class Real> static std::size_t scratch(const Recurrence<Real>& q) {
    return q.block * (2 * padded(3 * q.units) + q.gates.pitch);
  }

  template <class Real> static void forward(const Recurrence<Real>& q, std::size_t t, RowRange rows, Real* scratch) {
    const std::size_t n = q.units, first = rows.first, count = rows.count, wide = padded(3 * n);
    const StridedRows<Real> h0 = q.state(t, first), read = q.read_state(t, first), h = q.state(t + 1, first),
                            kept = q.gates.of(t, first), zx{scratch, wide}, zh{scratch + q.block * wide, wide};
    Real* const more = scratch + 2 * q.block * wide;
    q.multiply(q.xh.of(t, first), count, q.forward_x, q.bias_x.at, zx, more);
    q.multiply(read, count, q.forward_h, q.bias_h.at, zh, more);
    if (reset_after && q.is_fused()) return cell_loops<Real>().gru_forward(count, n, zx, zh, h0, kept, h);
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t j = 0; j < 2 * n; ++j) kept.row(i)[n + j] = zx.row(i)[j] + zh.row(i)[j];
    if (q.keeps_inner) copy_rows(kept, q.inner.of(t, first), count, 3 * n);
    for (std::size_t g = 1; g < 3; ++g) q.activate(q.recurrent_activation, {kept.at + g * n, kept.stride}, count, n);
    if (reset_after) {
      for (std::size_t i = 0; i < count; ++i) std::copy_n(zh.row(i) + 2 * n, n, kept.row(i) + 3 * n);
    } else {
      const StridedRows<Real> reset = q.reset_h.of(t, first);
      for (std::size_t i = 0; i < count; ++i)
        for (std::size_t j = 0; j < n; ++j) reset.row(i)[j] = kept.row(i)[2 * n + j] * read.row(i)[j];
      q.multiply(reset, count, q.forward_reset, nullptr, zh, more);
    }
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t j = 0; j < n; ++j) {
        Real* const to = kept.row(i);
        const Real inner = reset_after ? to[2 * n + j] * to[3 * n + j] : zh.row(i)[j];
        to[j] = zx.row(i)[2 * n + j] + inner;
      }
    if (q.keeps_inner) copy_rows(kept, q.inner.of(t, first), count, n);
    q.activate(q.activation, kept, count, n);
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t j = 0; j < n; ++j) {
        const Real z = kept.row(i)[n + j];
        h.row(i)[j] = z * h0.row(i)[j] + (1 - z) * kept.row(i)[j];
      }
  }

  template <class Real>
  static void backward(const Recurrence<Real>& q, std::size_t t, RowRange rows, StridedRows<Real> dh, StridedRows<Real>,
                       Real* scratch) {
    const std::size_t n = q.units, first = rows.first, count = rows.count, wide = padded(3 * n);
    const StridedRows<Real> h0 = q.state(t, first), read = q.read_state(t, first), kept = q.gates.of(t, first);
    if (reset_after && q.is_fused()) return cell_loops<Real>().gru_backward(count, n, kept, h0, dh);
    const StridedRows<Real> by_reset{scratch, wide}, d{scratch + q.block * wide, kept.stride};
    Real* const more = d.row(q.block);
    const Real* const before = q.inner.of(t, first).at;
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t j = 0; j < n; ++j) {
        const Real z = kept.row(i)[n + j];
        d.row(i)[j] = dh.row(i)[j] * (1 - z);
        d.row(i)[n + j] = dh.row(i)[j] * (h0.row(i)[j] - kept.row(i)[j]);
        dh.row(i)[j] *= z;
      }
    q.differentiate(q.activation, before, kept.at, d, count, n);
    if (!reset_after) q.multiply(d, count, q.back_reset, nullptr, by_reset, more);
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t j = 0; j < n; ++j) {
        Real* const to = d.row(i);
        const Real r = kept.row(i)[2 * n + j];
        if (reset_after) {
          to[2 * n + j] = to[j] * kept.row(i)[3 * n + j];
          to[3 * n + j] = to[j] * r;
        } else {
          to[2 * n + j] = by_reset.row(i)[j] * read.row(i)[j];
          dh.row(i)[j] += by_reset.row(i)[j] * r * (q.drop_h ? q.drop_h[(first + i) * n + j] : Real(1));
        }
      }
    for (std::size_t g = 1; g < 3; ++g)
      q.differentiate(q.recurrent_activation, before + g * n, kept.at + g * n, {d.at + g * n, d.stride}, count, n);
    copy_rows(d, kept, count, q.columns);
  }

  template <class Real> static std::vector<Packing<Real>> packings(Recurrence<Real>& q, const Real* w, const Real* u) {
    const std::size_t n = q.units, all = 3 * n, inner = reset_after ? all : 2 * n;
    q.forward_x = {nullptr, q.inputs, all};
    q.forward_h = {nullptr, n, inner};
    q.back_x = {nullptr, all, q.inputs};
    q.back_h = {nullptr, inner, n};
    q.back_column = n;
    std::vector<Packing<Real>> all_packings{{w, all, q.inputs, all, false, &q.forward_x, 0},
                                            {u, all, n, inner, false, &q.forward_h, 0},
                                            {w + 2 * n, all, q.inputs, n, true, &q.back_x, 0},
                                            {w, all, q.inputs, 2 * n, true, &q.back_x, n},
                                            {u, all, n, inner, true, &q.back_h, 0}};
    if (reset_after) return all_packings;
    q.forward_reset = q.back_reset = {nullptr, n, n};
    all_packings.push_back({u + 2 * n, all, n, n, false, &q.forward_reset, 0});
    all_packings.push_back({u + 2 * n, all, n, n, true, &q.back_reset, 0});
    return all_packings;
  }
  template <class Real> static std::vector<GradPart<Real>> kernel_parts(const Recurrence<Real>& q) {
    return {{q.xh, 0, q.units, 0, 2 * q.units}, {q.xh, 0, 0, 2 * q.units, q.units}};
  }
  template <class Real> static std::vector<GradPart<Real>> recurrent_parts(const Recurrence<Real>& q) {
    if (reset_after) return {{q.xh, q.inputs, q.units, 0, 3 * q.units}};
    return {{q.xh, q.inputs, q.units, 0, 2 * q.units}, {q.reset_h, 0, 0, 2 * q.units, q.units}};
  }
  template <class Real> static void bias_grad(const Recurrence<Real>& q, const Real* sums, Real* db) {
    const std::size_t n = q.units;
    std::copy_n(sums + n, 2 * n, db);
    std::copy_n(sums, n, db + 2 * n);
    if (reset_after) std::copy_n(sums + n, 3 * n, db + 3 * n);
  }
};

/// The functions of a cell, which one code of layers and jobs calls for all of them.
template <class Real> struct CellFunctions {
  std::size_t (*scratch)(const Recurrence<Real>&);
  void (*forward)(const Recurrence<Real>&, std::size_t, RowRange, Real*);
  void (*backward)(const Recurrence<Real>&, std::size_t, RowRange, StridedRows<Real>, StridedRows<Real>, Real*);
  std::vector<Packing<Real>> (*packings)(Recurrence<Real>&, const Real*, const Real*);
  std::vector<GradPart<Real>> (*kernel_parts)(const Recurrence<Real>&);
  std::vector<GradPart<Real>> (*recurrent_parts)(const Recurrence<Real>&);
  void (*bias_grad)(const Recurrence<Real>&, const Real*, Real*);

  template <class Cell> static constexpr CellFunctions of() {
    return {Cell::template scratch<Real>,  Cell::template forward<Real>,      Cell::template backward<Real>,
            Cell::template packings<Real>, Cell::template kernel_parts<Real>, Cell::template recurrent_parts<Real>,
            Cell::template bias_grad<Real>};
  }
};

/// A cell by its number.
class CellUse {
 public:
  static constexpr std::size_t count = 5;
  explicit CellUse(std::size_t number = 0) : number_(number) {}

  std::size_t number() const { return number_; }
  const CellInfo& info() const {
    static constexpr CellInfo all[] = {SimpleRnnCell::info, LstmCell::info, GruCell<true>::info, GruCell<false>::info,
                                       ConvLstmCell::info};
    return all[number_];
  }
  template <class Real> const CellFunctions<Real>& functions() const {
    using Functions = CellFunctions<Real>;
    static constexpr Functions all[] = {Functions::template of<SimpleRnnCell>(), Functions::template of<LstmCell>(),
                                        Functions::template of<GruCell<true>>(),
                                        Functions::template of<GruCell<false>>(),
                                        Functions::template of<ConvLstmCell>()};
    return all[number_];
  }

 private:
  std::size_t number_;
};

}  // namespace gs
