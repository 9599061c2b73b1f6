// The cells of recurrent layers in the tangent pass: how the states after a step move where those before it, x and the
// weights do.
//
// q is the recurrence as its forward pass left it; d has the directions of the same numbers: those of x and h in `xh`,
// of the weights in its panels, which are empty if no weight moves, and of the states.
#pragma once

#include <cstddef>

#include "graph/recurrence/recurrent_cells.hpp"

namespace gs {

/// A step of some rows.
template <class Real> struct CellStep {
  const Recurrence<Real>&q, &d;
  std::size_t t;
  RowRange rows;

  // da (rows, depth), a -> da w + a dw + db, w in panels -> to; more: scratch as large
  void multiply(StridedRows<Real> da, StridedRows<Real> a, const Panels<Real>& w, const Panels<Real>& dw,
                const Panels<Real>* db, StridedRows<Real> to, StridedRows<Real> more, Real* scratch) const {
    q.multiply(da, rows.count, w, nullptr, to, scratch);
    if (!dw.at) return;
    d.multiply(a, rows.count, dw, db ? db->at : nullptr, more, scratch);
    for (std::size_t i = 0; i < rows.count; ++i) add_to(to.row(i), more.row(i), w.columns);
  }
  StridedRows<Real> of(const Series<Real>& series, std::size_t after = 0) const {
    return series.of(t + after, rows.first);
  }
  /// work(row, unit)
  template <class Work> void each(Work work) const {
    for (std::size_t i = 0; i < rows.count; ++i)
      for (std::size_t j = 0; j < q.units; ++j) work(i, j);
  }
};

/// Columns that a product of a step has, with those that panels have more.
template <class Real> std::size_t tangent_pitch(const Recurrence<Real>& q) { return padded(4 * q.units); }
/// Scratch of a step: three such products of a block, and the gates.
template <class Real> std::size_t tangent_scratch(const Recurrence<Real>& q) {
  return q.block * (3 * tangent_pitch(q) + q.gates.pitch) + q.multiply_scratch();
}

/// scratch: as tangent_scratch says.
template <class Real> void tangent(SimpleRnnCell, const CellStep<Real>& s, Real* scratch) {
  const Recurrence<Real>&q = s.q, &d = s.d;
  const std::size_t wide = tangent_pitch(q);
  const StridedRows<Real> dz{scratch, q.gates.pitch}, more{scratch + q.block * q.gates.pitch, wide};
  s.multiply(s.of(d.xh), s.of(q.xh), q.forward_x, d.forward_x, &d.bias_x, dz, more, more.row(q.block));
  q.differentiate(q.activation, s.of(q.inner).at, s.of(q.gates).at, dz, s.rows.count, q.units);
  copy_rows(dz, d.state(s.t + 1, s.rows.first), s.rows.count, q.units);
}

/// c before and after a step, and its activation; or how they move.
template <class Real> struct CellMemory {
  StridedRows<Real> before, after, activated;
};

/// dz (count, 4 n), how the gates move before their activations; what they are, and were -> how c and h move
template <class Real>
void lstm_tangent(const Recurrence<Real>& q, std::size_t count, std::size_t n, StridedRows<Real> dz,
                  StridedRows<Real> z, StridedRows<Real> inner, const CellMemory<Real>& c, const CellMemory<Real>& dc,
                  StridedRows<Real> dh) {
  const auto each = [&](const auto& work) {
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t j = 0; j < n; ++j) work(i, j);
  };
  for (std::size_t g = 0; g < 4; ++g)
    q.differentiate(g == 2 ? q.activation : q.recurrent_activation, inner.at + g * n, z.at + g * n,
                    {dz.at + g * n, dz.stride}, count, n);
  each([&](std::size_t i, std::size_t j) {
    const Real *const gate = z.row(i) + j, *const dgate = dz.row(i) + j;
    dc.after.row(i)[j] =
        dgate[n] * c.before.row(i)[j] + gate[n] * dc.before.row(i)[j] + dgate[0] * gate[2 * n] + gate[0] * dgate[2 * n];
  });
  copy_rows(dc.after, dc.activated, count, n);
  q.differentiate(q.activation, c.after.at, c.activated.at, dc.activated, count, n);
  each([&](std::size_t i, std::size_t j) {
    dh.row(i)[j] = dz.row(i)[3 * n + j] * c.activated.row(i)[j] + z.row(i)[3 * n + j] * dc.activated.row(i)[j];
  });
}

template <class Real> void tangent(LstmCell, const CellStep<Real>& s, Real* scratch) {
  const Recurrence<Real>&q = s.q, &d = s.d;
  const StridedRows<Real> dz{scratch, q.gates.pitch}, more{scratch + q.block * q.gates.pitch, tangent_pitch(q)};
  s.multiply(s.of(d.xh), s.of(q.xh), q.forward_x, d.forward_x, &d.bias_x, dz, more, more.row(q.block));
  lstm_tangent(q, s.rows.count, q.units, dz, s.of(q.gates), s.of(q.inner), {s.of(q.c), s.of(q.c, 1), s.of(q.act_c)},
               {s.of(d.c), s.of(d.c, 1), s.of(d.act_c)}, d.state(s.t + 1, s.rows.first));
}

template <class Real> void tangent(ConvLstmCell, const CellStep<Real>& s, Real* scratch) {
  const Recurrence<Real>&q = s.q, &d = s.d;
  const std::size_t n = q.filters, t = s.t;
  d.conv->forward(d.number(t, s.rows.first), s.rows.count, scratch);
  if (d.conv_by_kernel) d.conv_by_kernel->forward(d.number(t, s.rows.first), s.rows.count, scratch);
  for (std::size_t i = s.rows.first; i < s.rows.first + s.rows.count; ++i) {
    const auto of = [&](const Series<Real>& series, std::size_t after, std::size_t wide) {
      return ConvLstmCell::at_places(series, t + after, i, wide);
    };
    const StridedRows<Real> dz = of(d.gates, 0, 4 * n);
    add_to(dz.at, d.xh.of(t, i).at, q.inputs);
    if (d.conv_by_kernel) add_to(dz.at, d.by_kernel.of(t, i).at, q.columns);
    lstm_tangent(q, q.places(), n, dz, of(q.gates, 0, 4 * n), of(q.inner, 0, 4 * n),
                 {of(q.c, 0, n), of(q.c, 1, n), of(q.act_c, 0, n)}, {of(d.c, 0, n), of(d.c, 1, n), of(d.act_c, 0, n)},
                 {d.state(t + 1, i).at, n});
  }
}

template <bool reset_after, class Real> void tangent(GruCell<reset_after>, const CellStep<Real>& s, Real* scratch) {
  const Recurrence<Real>&q = s.q, &d = s.d;
  const std::size_t n = q.units, first = s.rows.first, count = s.rows.count, wide = tangent_pitch(q);
  const StridedRows<Real> gates{scratch, q.gates.pitch}, dzx{scratch + q.block * gates.stride, wide},
      dzh{dzx.row(q.block), wide}, more{dzh.row(q.block), wide},
      kept = s.of(q.gates), h0 = q.state(s.t, first), dh0 = d.state(s.t, first), read = q.read_state(s.t, first),
      dread = d.read_state(s.t, first), dh = d.state(s.t + 1, first);
  Real *const rest = more.row(q.block), *const inner = s.of(q.inner).at;
  s.multiply(s.of(d.xh), s.of(q.xh), q.forward_x, d.forward_x, &d.bias_x, dzx, more, rest);
  s.multiply(dread, read, q.forward_h, d.forward_h, &d.bias_h, dzh, more, rest);
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t j = 0; j < 2 * n; ++j) gates.row(i)[n + j] = dzx.row(i)[j] + dzh.row(i)[j];
  for (std::size_t g = 1; g < 3; ++g)
    q.differentiate(q.recurrent_activation, inner + g * n, kept.at + g * n, {gates.at + g * n, gates.stride}, count, n);
  if (reset_after) {
    s.each([&](std::size_t i, std::size_t j) {
      const Real* const gate = kept.row(i) + j;
      gates.row(i)[j] =
          dzx.row(i)[2 * n + j] + gates.row(i)[2 * n + j] * gate[3 * n] + gate[2 * n] * dzh.row(i)[2 * n + j];
    });
  } else {
    const StridedRows<Real> reset = s.of(q.reset_h), dreset = s.of(d.reset_h);
    s.each([&](std::size_t i, std::size_t j) {
      dreset.row(i)[j] = gates.row(i)[2 * n + j] * read.row(i)[j] + kept.row(i)[2 * n + j] * dread.row(i)[j];
    });
    s.multiply(dreset, reset, q.forward_reset, d.forward_reset, nullptr, dzh, more, rest);
    s.each([&](std::size_t i, std::size_t j) { gates.row(i)[j] = dzx.row(i)[2 * n + j] + dzh.row(i)[j]; });
  }
  q.differentiate(q.activation, inner, kept.at, gates, count, n);
  s.each([&](std::size_t i, std::size_t j) {
    const Real *const gate = kept.row(i) + j, *const dgate = gates.row(i) + j;
    dh.row(i)[j] = dgate[n] * (h0.row(i)[j] - gate[0]) + gate[n] * dh0.row(i)[j] + (1 - gate[n]) * dgate[0];
  });
}

/// That of a cell by its number.
template <class Real> using CellTangent = void (*)(const CellStep<Real>&, Real*);
template <class Real> CellTangent<Real> tangent_of(const CellUse& cell) {
  static constexpr CellTangent<Real> all[CellUse::count] = {
      [](const CellStep<Real>& s, Real* scratch) { tangent(SimpleRnnCell{}, s, scratch); },
      [](const CellStep<Real>& s, Real* scratch) { tangent(LstmCell{}, s, scratch); },
      [](const CellStep<Real>& s, Real* scratch) { tangent(GruCell<true>{}, s, scratch); },
      [](const CellStep<Real>& s, Real* scratch) { tangent(GruCell<false>{}, s, scratch); },
      [](const CellStep<Real>& s, Real* scratch) { tangent(ConvLstmCell{}, s, scratch); }};
  return all[cell.number()];
}

}  // namespace gs
