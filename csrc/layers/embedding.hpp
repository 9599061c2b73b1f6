// Embedding.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>

#include "graph/call.hpp"
#include "graph/lookup.hpp"

namespace gs {

/// y = the row of w that each id stands for. Ids that are no row give numbers that are none; those of data are checked
/// before a pass.
struct Embedding {
  Shape shape;  // of the output
  std::size_t rows, n, ids;

  static constexpr const char* name = "embedding";
  template <class Settings>
  Embedding(const Shapes& inputs, const Settings& settings)
      : shape(inputs[0]), rows(settings.whole("input_dim")), n(settings.whole("output_dim")), ids(size_of(inputs[0])) {
    shape.push_back(n);
  }
  Shape output() const { return shape; }
  Shapes weights() const { return {{rows, n}}; }

  // ids (batch, ids), w (rows, n) -> y (batch * ids, n)
  template <class Real> void forward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Matrix<Real> at = call.x_matrix(1);
    if (schedule.training) catch_up(schedule, call, at);
    look_up(schedule, at, call.weight(0)->w, call.y(n));
  }
  // dw (rows, n) -> dy (batch * ids, n)
  static constexpr bool skips_zeros = true;
  template <class Real> void tangent(Schedule<Real>& schedule, Call<Real>& call, Call<Real>& d) const {
    const Matrix<Real> dy = d.y(n);
    if (d.weights_move()) return look_up(schedule, call.x_matrix(1), d.weight(0)->w, dy);
    schedule.once({{}, {dy.at}}, [=] { std::fill_n(dy.at, dy.size(), Real(0)); });
  }

  // dy (batch * ids, n) -> dw (rows, n); ids have no gradient
  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    if (call.weight(0)->trainable()) {
      const auto order = std::make_shared<LookupOrder>();
      const Matrix<Real> at = call.x_matrix(1);
      const Weight<Real>* const w = call.weight(0);
      *gradients(call) = reinterpret_cast<const std::byte*>(call.dy(n).at);
      schedule.once({{at.at, w->by_rows}, {order.get()}}, [=, rows = rows] {
        if (!w->by_rows || !w->by_rows->gradient || w->gradient) order->sort(at.at, at.size(), rows);
      });
      schedule.lookup_grad(order, call.dy(n), call.weight(0));
    }
    if (const Matrix<Real> dx = call.dx(ids))
      schedule.once({{}, {dx.at}}, [=] { std::fill_n(dx.at, dx.size(), Real(0)); });
  }

 private:
  template <class Real> void look_up(Schedule<Real>& schedule, Matrix<Real> at, const Real* w, Matrix<Real> y) const {
    schedule.each_row(y.rows, n, {{at.at, w}, {y.at}}, [=, n = n, rows = rows](std::size_t first, std::size_t count) {
      for (std::size_t i = first; i < first + count; ++i) {
        const std::size_t row = row_of(at.at[i], rows);
        if (row < rows)
          std::copy_n(w + row * n, n, y.at + i * n);
        else
          std::fill_n(y.at + i * n, n, std::numeric_limits<Real>::quiet_NaN());
      }
    });
  }
  /// Rows that the batch reads take the steps that they have not taken yet.
  template <class Real> void catch_up(Schedule<Real>& schedule, Call<Real>& call, Matrix<Real> ids) const {
    const Weight<Real>& w = *call.weight(0);
    RowSteps* const steps = w.by_rows;
    if (!steps) return;
    steps->columns = n;
    schedule.once({{ids.at}, {steps}},
                  [=, values = gradients(call), rows = rows] { steps->read(ids.at, ids.size(), rows, *values); });
    schedule.each_row(rows, n, {{steps}, {w.w}},
                      [=](std::size_t first, std::size_t count) { steps->catch_up(first, first + count); });
    schedule.once({{w.w}, {steps}}, [=] { steps->caught_up(); });
  }
  /// Where it is noted where the gradients by the output will be.
  template <class Real> static const std::byte** gradients(Call<Real>& call) {
    return reinterpret_cast<const std::byte**>(call.save("gradients", sizeof(void*) / sizeof(Real), 1).at);
  }
};

}  // namespace gs
