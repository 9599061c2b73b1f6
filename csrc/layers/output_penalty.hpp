// A penalty of values, part of the loss.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "graph/call.hpp"
#include "graph/weight_attributes.hpp"
#include "runtime/dispatch.hpp"

namespace gs {

/// y = x, and the loss grows by the penalty of x as a matrix of a row for each sample, over their number.
struct OutputPenalty {
  Shape shape;
  std::size_t n;  // numbers of a sample
  Penalty penalty;

  static constexpr const char* name = "output_penalty";
  template <class Settings>
  OutputPenalty(const Shapes& inputs, const Settings& settings)
      : shape(inputs[0]), n(size_of(shape)), penalty(settings.penalty("penalty")) {}
  Shape output() const { return shape; }
  Shapes weights() const { return {}; }

  // x (batch, n) -> y = x
  template <class Real> void forward(Schedule<Real>& schedule, Call<Real>& call) const {
    constexpr std::size_t reals = sizeof(double) / sizeof(Real);
    const Matrix<Real> x = call.x_matrix(n), sums = call.save("sums", x.rows * reals, reals);
    schedule.each_row(x.rows, n, {{x.at}, {sums.at}},
                      [=, *this, sum = regularize_loops<Real>().penalize](std::size_t first, std::size_t count) {
                        for (std::size_t i = first; i < first + count; ++i) {
                          const PenaltySums of =
                              sum(x.at + i * n, nullptr, nullptr, penalty.l1, penalty.l2, MatrixLayout(n));
                          const double value = penalty.l1 * of.sizes + penalty.l2 * of.squares;
                          std::memcpy(sums.at + i * reals, &value, sizeof value);
                        }
                      });
    const Matrix<Real> slopes = penalty.orthogonal != 0 ? call.save("slopes", n) : Matrix<Real>{};
    schedule.once({{x.at, sums.at}, {slopes.at}}, [=, *this, to = schedule.penalty_of_values()] {
      double total = 0;
      for (std::size_t i = 0; i < x.rows; ++i) {
        double value;
        std::memcpy(&value, sums.at + i * reals, sizeof value);
        total += value;
      }
      if (slopes) {
        WeightAttributes attributes;
        attributes.rows = x.rows;
        attributes.columns = n;
        attributes.penalty.orthogonal = penalty.orthogonal;
        attributes.penalty.of_rows = penalty.of_rows;
        total += penalty_at(x.at, attributes, slopes.at);
      }
      *to = total / double(x.rows);
    });
    call.pass();
  }

  // What is kept is for the product of dx with the penalty's second derivative.
  template <class Real> void tangent(Schedule<Real>& schedule, Call<Real>& call, Call<Real>& d) const {
    if (schedule.curvature) schedule.copy(d.x(n), call.save("direction", n));
    d.pass();
  }

  // dy (batch, n) -> dx = dy + the gradient of the penalty over the batch
  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Matrix<Real> dx = call.dx(n), dy = call.dy(n), x = call.x_matrix(n);
    if (!dx) return;
    // Second derivatives: 2 l2 of the squares, none of the sizes; that of the orthogonal penalty, which is not convex,
    // is left out.
    if (schedule.curvature) {
      const Matrix<Real> direction = call.save("direction", n);
      const Real factor = Real(2 * penalty.l2 / double(x.rows));
      return schedule.each_row(x.rows, n, {{direction.at, dy.at}, {dx.at}}, [=](std::size_t first, std::size_t count) {
        for (std::size_t i = first * dx.columns; i < (first + count) * dx.columns; ++i)
          dx.at[i] = dy.at[i] + factor * direction.at[i];
      });
    }
    const Matrix<Real> slopes = penalty.orthogonal != 0 ? call.save("slopes", n) : Matrix<Real>{};
    const Real batch = Real(x.rows);
    schedule.each_row(x.rows, n, {{x.at, dy.at, slopes.at}, {dx.at}},
                      [=, *this, slope = regularize_loops<Real>().penalize](std::size_t first, std::size_t count) {
                        const std::size_t at = first * n, size = count * n;
                        Real* const to = dx.at + at;
                        std::fill_n(to, size, Real(0));
                        slope(x.at + at, to, slopes ? slopes.at + at : nullptr, penalty.l1, penalty.l2,
                              MatrixLayout(size));
                        for (std::size_t i = 0; i < size; ++i) to[i] = dy.at[at + i] + to[i] / batch;
                      });
  }
};

}  // namespace gs
