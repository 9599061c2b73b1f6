// Embedding.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>

#include "graph/call.hpp"
#include "graph/lookup.hpp"
#include "layers/masks.hpp"
#include "layers/pool.hpp"

namespace gs {

/// y = the row of w that each id stands for; or the mean of those of a sample, where that alone reads them. Ids that
/// are no row give numbers that are none; those of data are checked before a pass.
struct Embedding {
  Shape shape;  // of the output
  std::size_t rows, n, ids;
  bool mean = false, masked = false;  // masked: of those ids whose mask, the second input, is not 0

  static constexpr const char* name = "embedding";
  template <class Settings>
  Embedding(const Shapes& inputs, const Settings& settings)
      : shape(inputs[0]), rows(settings.whole("input_dim")), n(settings.whole("output_dim")), ids(size_of(inputs[0])) {
    shape.push_back(n);
  }
  Shape output() const { return shape; }
  Shapes weights() const { return {{rows, n}}; }

  /// Takes up the mean that reads this, if it is of all ids of a sample: whether it is.
  bool join(const Pool& next) {
    const Window& w = next.window;
    if (mean || !next.mean || next.in.turns || w.channels != n || w.places() != 1 || w.size() != ids) return false;
    return mean = true;
  }
  bool join(const MaskedMean& next) {
    if (mean || next.channels_first || next.channels != n || next.steps != ids) return false;
    return mean = masked = true;
  }

  // ids (batch, ids), w (rows, n) -> y (batch * ids, n), or (batch, n)
  template <class Real> void forward(Schedule<Real>& schedule, Call<Real>& call) const {
    if (schedule.training) catch_up(schedule, call);
    if (mean)
      average(schedule, call, call.weight(0)->w, call.y(n));
    else
      look_up(schedule, call.x_matrix(1), call.weight(0)->w, call.y(n));
  }
  // dw (rows, n) -> dy (batch * ids, n)
  static constexpr bool skips_zeros = true;
  template <class Real> void tangent(Schedule<Real>& schedule, Call<Real>& call, Call<Real>& d) const {
    const Matrix<Real> dy = d.y(n);
    if (d.weights_move()) return look_up(schedule, call.x_matrix(1), d.weight(0)->w, dy);
    schedule.once({{}, {dy.at}}, [=] { std::fill_n(dy.at, dy.size(), Real(0)); });
  }

  // dy (batch * ids, n), or (batch, n) -> dw (rows, n); ids have no gradient
  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Weight<Real>* const w = call.weight(0);
    if (w->trainable()) {
      const auto order = std::make_shared<LookupOrder>();
      const LookupIds<Real> from = numbers(call);
      const Matrix<Real> dy = mean ? shares(schedule, call) : call.dy(n);
      *gradients(call) = reinterpret_cast<const std::byte*>(dy.at);
      schedule.once({{from.ids.at, from.mask, w->by_rows}, {order.get()}}, [=, rows = rows] {
        if (!w->by_rows || !w->by_rows->gradient || w->gradient) order->sort(from, rows);
      });
      schedule.lookup_grad(order, dy, w);
    }
    for (std::size_t i = 0; i < (masked ? 2 : 1); ++i)
      if (const Matrix<Real> dx = call.dx(ids, i))
        schedule.once({{}, {dx.at}}, [=] { std::fill_n(dx.at, dx.size(), Real(0)); });
  }

 private:
  template <class Real> LookupIds<Real> numbers(Call<Real>& call) const {
    return {call.x_matrix(mean ? ids : 1), masked ? call.x_matrix(ids, 1).at : nullptr};
  }

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

  // The sum of the rows of a sample, in the order of their ids, over how many they are.
  template <class Real> void average(Schedule<Real>& schedule, Call<Real>& call, const Real* w, Matrix<Real> y) const {
    const LookupIds<Real> from = numbers(call);
    const Matrix<Real> room = call.save("numbers of rows", from.size(), ids), counts = call.save("counts", y.rows, 1);
    schedule.each_row(y.rows, n * ids, {{from.ids.at, from.mask, w}, {y.at, room.at, counts.at}},
                      [=, n = n, ids = ids, rows = rows](std::size_t first, std::size_t count) {
                        for (std::size_t i = first; i < first + count; ++i) {
                          std::uint32_t* const at = reinterpret_cast<std::uint32_t*>(room.at + i * ids);
                          std::size_t counted = 0;
                          bool are_rows = true;
                          for (std::size_t k = i * ids; k < (i + 1) * ids; ++k) {
                            const bool counts_here = !from.mask || from.mask[k] != 0;
                            const std::size_t row = row_of(from.ids.at[k], rows);
                            at[counted] = std::uint32_t(row);
                            are_rows &= row < rows || !counts_here;
                            counted += counts_here;
                          }
                          counts.at[i] = Real(counted);
                          Real* const mean = y.at + i * n;
                          if (!are_rows) {
                            std::fill_n(mean, n, std::numeric_limits<Real>::quiet_NaN());
                            continue;
                          }
                          products<Real>().sum_rows({nullptr, w, n, at, nullptr, counted, n, mean});
                          for (std::size_t j = 0; j < n; ++j) mean[j] /= counts.at[i];
                        }
                      });
  }

  // The share of each id of a sample in the gradient by their mean, and zeros behind for ids that do not count.
  template <class Real> Matrix<Real> shares(Schedule<Real>& schedule, Call<Real>& call) const {
    const Matrix<Real> dy = call.dy(n), to = call.save("shares", (dy.rows + 1) * n, n);
    const Real* const counts = call.save("counts", dy.rows, 1).at;
    schedule.each_row(dy.rows, n, {{dy.at, counts}, {to.at}}, [=, n = n](std::size_t first, std::size_t count) {
      for (std::size_t i = first; i < first + count; ++i)
        for (std::size_t j = 0; j < n; ++j) to.at[i * n + j] = dy.at[i * n + j] / counts[i];
    });
    return to;
  }

  /// Rows that the batch reads take the steps that they have not taken yet.
  template <class Real> void catch_up(Schedule<Real>& schedule, Call<Real>& call) const {
    const Weight<Real>& w = *call.weight(0);
    RowSteps* const steps = w.by_rows;
    if (!steps) return;
    steps->columns = n;
    const LookupIds<Real> from = numbers(call);
    schedule.once({{from.ids.at, from.mask}, {steps}},
                  [=, values = gradients(call), rows = rows] { steps->read(from, rows, *values); });
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
