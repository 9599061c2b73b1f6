// Dot.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>

#include "graph/call.hpp"
#include "kernels/layers/merge.hpp"
#include "kernels/layers/normalize.hpp"
#include "layers/views.hpp"

namespace gs {

/// Scalar products of the vectors of two inputs, each along an axis: all of the one with all of the other.
struct Dot {
  Shape shape;             // of the output
  std::size_t n;           // length of the vectors
  std::size_t vectors[2];  // of a sample, of each input
  Views moves[2];          // the axis of the vectors as the last one
  bool normalize;          // whether each vector is made as long as 1 first

  static constexpr const char* name = "dot";
  template <class Settings>
  Dot(const Shapes& inputs, const Settings& settings) : normalize(settings.flag("normalize")) {
    const char* const names[] = {"first_axis", "second_axis"};
    for (std::size_t i = 0; i < 2; ++i) {
      const std::size_t axis = settings.whole(names[i]) - 1;  // whole counts the axis of the batch
      n = inputs[i][axis];
      moves[i] = axes_last(inputs[i], {axis});
      vectors[i] = moves[i].source_size / n;
      for (std::size_t k = 0; k < inputs[i].size(); ++k)
        if (k != axis) shape.push_back(inputs[i][k]);
    }
    if (shape.empty()) shape.push_back(1);
  }
  Shape output() const { return shape; }
  Shapes weights() const { return {}; }

  // a (batch, vectors[0], n), b (batch, vectors[1], n) -> y = a b^T (batch, vectors[0], vectors[1])
  template <class Real> void forward(Schedule<Real>& schedule, Call<Real>& call) const {
    for (std::size_t i = 0; i < 2; ++i) prepare(schedule, call, i);
    const Matrix<Real> a = factor(call, 0), b = factor(call, 1), y = call.y(vectors[1]);
    if (!is_of_vectors()) return schedule.sample_products(a, false, b, true, y);
    schedule.each_row(y.rows, n, {{a.at, b.at}, {y.at}},
                      [=, n = n, dot = merge_loops<Real>().dot_forward](std::size_t first, std::size_t count) {
                        dot(a.at + first * n, b.at + first * n, count, n, y.at + first);
                      });
  }

  // dy (batch, vectors[0], vectors[1]) -> da = dy b, db = dy^T a
  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Matrix<Real> dy = call.dy(vectors[1]);
    for (std::size_t i = 0; i < 2; ++i) {
      const Matrix<Real> other = factor(call, 1 - i), found = gradient(call, i);
      if (!found) continue;
      if (is_of_vectors())
        schedule.each_row(dy.rows, n, {{other.at, dy.at}, {found.at}},
                          [=, n = n, dot = merge_loops<Real>().dot_backward](std::size_t first, std::size_t count) {
                            dot(dy.at + first, other.at + first * n, count, n, found.at + first * n);
                          });
      else
        schedule.sample_products(dy, i == 1, other, false, found);
    }
    for (std::size_t i = 0; i < 2; ++i) finish(schedule, call, i);
  }

  // da, db -> dy = da b^T + a db^T
  template <class Real> void tangent(Schedule<Real>& schedule, Call<Real>& call, Call<Real>& d) const {
    const Matrix<Real> dy = d.y(vectors[1]), more = d.save("more", vectors[1]);
    const Matrix<Real> a = factor(call, 0), b = factor(call, 1), da = direction(schedule, call, d, 0),
                       db = direction(schedule, call, d, 1);
    if (!is_of_vectors()) {
      schedule.sample_products(da, false, b, true, dy);
      schedule.sample_products(a, false, db, true, more);
    } else {
      schedule.each_row(dy.rows, n, {{a.at, b.at, da.at, db.at}, {dy.at, more.at}},
                        [=, n = n, dot = merge_loops<Real>().dot_forward](std::size_t first, std::size_t count) {
                          const std::size_t at = first * n;
                          dot(da.at + at, b.at + at, count, n, dy.at + first);
                          dot(a.at + at, db.at + at, count, n, more.at + first);
                        });
    }
    schedule.accumulate(more, dy);
  }

 private:
  /// How a vector is made as long as 1; one that is shorter than 1e-7 is multiplied by 1e7, as in Keras.
  RowParts each_vector() const { return {1, n, 1, 1e-14}; }

  bool is_of_vectors() const { return vectors[0] == 1 && vectors[1] == 1; }
  template <class Real> Matrix<Real> save(const char* what, Call<Real>& call, std::size_t i) const {
    return call.save(what + std::to_string(i), call.y(size_of(shape)).rows * moves[i].source_size, n);
  }
  template <class Real> Matrix<Real> lengths(Call<Real>& call, std::size_t i) const {
    return call.save("lengths " + std::to_string(i), call.y(size_of(shape)).rows * vectors[i], 1);
  }

  /// The vectors of an input as the product reads them.
  template <class Real> Matrix<Real> factor(Call<Real>& call, std::size_t i) const {
    if (normalize) return save("unit ", call, i);
    return moves[i].is_identity() ? call.x_matrix(n, i) : save("moved ", call, i);
  }
  template <class Real> void prepare(Schedule<Real>& schedule, Call<Real>& call, std::size_t i) const {
    Matrix<Real> x = call.x_matrix(n, i);
    if (!moves[i].is_identity()) {
      const Matrix<Real> moved = save(normalize ? "unit " : "moved ", call, i);
      move(schedule, moves[i], x, moved);
      x = moved;
    }
    if (!normalize) return;
    const Matrix<Real> unit = factor(call, i), inverse = lengths(call, i);
    schedule.each_row(unit.rows, n, {{x.at}, {unit.at, inverse.at}},
                      [=, *this, forward = normalize_loops<Real>().forward[int(Scale::length)]](std::size_t first,
                                                                                                std::size_t count) {
                        Real* const to = unit.at + first * n;
                        forward(x.at + first * n, nullptr, nullptr, each_vector(), count, to, to, inverse.at + first);
                      });
  }

  /// Where the gradient by these vectors is to lie; then what becomes the gradient by the input.
  template <class Real> Matrix<Real> gradient(Call<Real>& call, std::size_t i) const {
    const Matrix<Real> dx = call.dx(n, i);
    return dx && !moves[i].is_identity() ? save("gradient ", call, i) : dx;
  }
  template <class Real> void finish(Schedule<Real>& schedule, Call<Real>& call, std::size_t i) const {
    const Matrix<Real> found = gradient(call, i);
    if (!found) return;
    if (normalize) {
      const Matrix<Real> unit = factor(call, i), inverse = lengths(call, i);
      schedule.each_row(unit.rows, n, {{inverse.at}, {unit.at, found.at}},
                        [=, *this, backward = normalize_loops<Real>().backward[int(Scale::length)]](std::size_t first,
                                                                                                    std::size_t count) {
                          Real* const at = found.at + first * n;
                          backward(at, nullptr, inverse.at + first, each_vector(), count, unit.at + first * n, at);
                        });
    }
    if (!moves[i].is_identity()) move(schedule, moves[i].reversed(), found, call.dx(n, i));
  }

  /// The direction of the vectors of an input as the product reads them.
  template <class Real>
  Matrix<Real> direction(Schedule<Real>& schedule, Call<Real>& call, Call<Real>& d, std::size_t i) const {
    Matrix<Real> dx = d.x_matrix(n, i);
    if (!moves[i].is_identity()) {
      const Matrix<Real> moved = save("moved ", d, i);
      move(schedule, moves[i], dx, moved);
      dx = moved;
    }
    if (!normalize) return dx;
    const Matrix<Real> unit = factor(call, i), inverse = lengths(call, i), used = save("used ", d, i),
                       made = save("unit ", d, i);
    // The Jacobian of a unit vector is symmetric.
    schedule.each_row(unit.rows, n, {{unit.at, inverse.at, dx.at}, {used.at, made.at}},
                      [=, *this, backward = normalize_loops<Real>().backward[int(Scale::length)]](std::size_t first,
                                                                                                  std::size_t count) {
                        const std::size_t at = first * n;
                        std::copy_n(unit.at + at, count * n, used.at + at);
                        backward(dx.at + at, nullptr, inverse.at + first, each_vector(), count, used.at + at,
                                 made.at + at);
                      });
    return made;
  }

  template <class Real> static void move(Schedule<Real>& schedule, const Views& views, Matrix<Real> x, Matrix<Real> y) {
    copy(schedule, views, reshaped(x, views.source_size), reshaped(y, views.target_size));
  }
};

}  // namespace gs
