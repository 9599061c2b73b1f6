// Batch normalization.
#pragma once

#include <cmath>
#include <cstddef>

#include "graph/call.hpp"
#include "kernels/layers/columns.hpp"
#include "layers/affine.hpp"
#include "layers/axes.hpp"
#include "layers/batch_blocks.hpp"

namespace gs {

/// y = gamma xhat + beta, xhat = (x - mean) / sqrt(variance + epsilon), of each column of an axis: in training the mean
/// and variance of the batch, which move the moving ones, else those. Ioffe & Szegedy 2015, arXiv:1502.03167.
struct BatchNormalization {
  Shape shape;
  AxesLast axis;
  std::size_t n;  // columns
  bool scale, center, masked;
  bool frozen = false;  // computes in training what it does in inference
  double momentum, epsilon;

  static constexpr const char* name = "batch_normalization";
  template <class Settings>
  BatchNormalization(const Shapes& inputs, const Settings& settings)
      : shape(inputs[0]),
        axis(shape, settings.shape("axes")),
        n(axis.columns()),
        scale(settings.flag("scale")),
        center(settings.flag("center")),
        masked(settings.flag("masked")),
        momentum(settings.real("momentum", 0, 1)),
        epsilon(settings.real("epsilon", 0)) {
    settings.check(!masked || size_of(inputs[1]) == axis.rows(), "a mask must have a number for each row of columns.");
  }
  Shape output() const { return shape; }
  // gamma, beta, moving mean, moving variance
  Shapes weights() const { return Shapes(2 + std::size_t(scale) + std::size_t(center), Shape{n}); }

  // x (rows, n), and masked: mask (rows) -> y (rows, n)
  template <class Real> void forward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Rows x = axis.x(schedule, call);
    const Matrix<Real> y = axis.y(call);
    if (in_training(schedule, call)) {
      const Matrix<Real> xhat = call.save("xhat", n);
      const BatchStatistics<Real> s = statistics(call);
      schedule.copy(x, xhat);
      if (in_blocks(schedule, y.rows))
        BatchBlocks<Real>(schedule, call, y.rows, n, mask(call)).forward(xhat, s, y);
      else
        schedule.each_column(
            n, {{s.gamma, s.beta, xhat.at}, {s.moving_mean, s.moving_variance, s.inverse, xhat.at, y.at}},
            [=, forward = column_loops<Real>().batch_forward](std::size_t first, std::size_t count) {
              forward(xhat.at + first, at(s, first), y.rows, count, y.columns, xhat.at + first, y.at + first);
            });
    } else {
      affine(schedule, x, mean(call)->w, factors(schedule, call, data_of(gamma(call))), data_of(beta(call)), y);
    }
    axis.put_y(schedule, call);
  }

  // dy (rows, n) -> dx (rows, n), dgamma, dbeta (n)
  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Matrix<Real> dy = axis.dy(schedule, call), dx = axis.dx(call);
    if (!in_training(schedule, call)) {
      if (frozen) weights_back(schedule, call, dy);
      if (dx)
        affine<Real>(schedule, schedule.rows(dy), nullptr, factors(schedule, call, data_of(gamma(call))), nullptr, dx);
      return axis.put_dx(schedule, call);
    }
    const Matrix<Real> xhat = call.save("xhat", n), dgamma = call.save("dgamma", n, n),
                       dbeta = call.save("dbeta", n, n);
    const BatchStatistics<Real> s = statistics(call);
    if (in_blocks(schedule, dy.rows))
      BatchBlocks<Real>(schedule, call, dy.rows, n, mask(call)).backward(dy, xhat, s, dgamma.at, dbeta.at, dx);
    else
      schedule.each_column(n, {{dy.at, xhat.at, s.gamma, s.inverse}, {dgamma.at, dbeta.at, dx.at}},
                           [=, backward = column_loops<Real>().batch_backward](std::size_t first, std::size_t count) {
                             backward(dy.at + first, xhat.at + first, at(s, first), dy.rows, count, dy.columns,
                                      dgamma.at + first, dbeta.at + first, dx ? dx.at + first : nullptr);
                           });
    axis.put_dx(schedule, call);
    if (scale) schedule.bias_grad(dgamma, gamma(call));
    if (center) schedule.bias_grad(dbeta, beta(call));
  }

  // dx (rows, n), dgamma, dbeta (n) -> dy (rows, n)
  template <class Real> void tangent(Schedule<Real>& schedule, Call<Real>& call, Call<Real>& d) const {
    const Rows x = axis.x(schedule, d);
    const Matrix<Real> dy = axis.y(d), xhat = call.save("xhat", n);
    const Real *const g = data_of(gamma(call)), *const dg = data_of(gamma(d)), *const db = data_of(beta(d));
    if (in_training(schedule, call)) {
      const Matrix<Real> dx = d.save("dx", n);
      schedule.copy(x, dx);
      BatchBlocks<Real>(schedule, d, dy.rows, n, mask(call)).tangent(dx, xhat, statistics(call), dy);
    } else {
      const Real* const factor = factors<Real>(schedule, call, nullptr);
      if (dg) affine<Real>(schedule, axis.x(schedule, call), mean(call)->w, factor, nullptr, xhat);
      affine<Real>(schedule, x, nullptr, factor, nullptr, dy);
    }
    schedule.each_row(dy.rows, n, {{xhat.at, g, dg, db}, {dy.at}}, [=, n = n](std::size_t first, std::size_t count) {
      scale_tangent(g, dg, db, xhat.at + first * n, count, n, dy.at + first * n);
    });
    axis.put_y(schedule, d);
  }

 private:
  template <class Real> bool in_blocks(const Schedule<Real>& schedule, std::size_t rows) const {
    return masked || schedule.in_shards || BatchBlocks<Real>::are_worth_it(rows);
  }
  template <class Real> const Real* mask(Call<Real>& call) const { return masked ? call.x_matrix(1, 1).at : nullptr; }
  template <class Real> static const Real* data_of(const Weight<Real>* weight) { return weight ? weight->w : nullptr; }
  template <class Real> const Weight<Real>* gamma(const Call<Real>& call) const {
    return scale ? call.weight(0) : nullptr;
  }
  template <class Real> const Weight<Real>* beta(const Call<Real>& call) const {
    return center ? call.weight(scale) : nullptr;
  }
  template <class Real> const Weight<Real>* mean(const Call<Real>& call) const {
    return call.weight(std::size_t(scale) + std::size_t(center));
  }
  template <class Real> const Weight<Real>* variance(const Call<Real>& call) const {
    return call.weight(1 + std::size_t(scale) + std::size_t(center));
  }
  // A layer that is not trained is used as it is.
  template <class Real> bool in_training(const Schedule<Real>& schedule, const Call<Real>& call) const {
    return schedule.training && !frozen && mean(call)->attributes->updated;
  }

  // dy, x (rows, n) -> dgamma, dbeta (n), with the moving mean and variance
  template <class Real> void weights_back(Schedule<Real>& schedule, Call<Real>& call, Matrix<Real> dy) const {
    if (scale && gamma(call)->trainable()) {
      const Matrix<Real> by_gamma = call.save("xhat", dy.size(), n);
      affine<Real>(schedule, axis.x(schedule, call), mean(call)->w, factors<Real>(schedule, call, nullptr), nullptr,
                   by_gamma);
      schedule.each_row(dy.rows, n, {{dy.at}, {by_gamma.at}}, [=, n = n](std::size_t first, std::size_t count) {
        for (std::size_t k = first * n; k < (first + count) * n; ++k) by_gamma.at[k] *= dy.at[k];
      });
      schedule.bias_grad(by_gamma, gamma(call));
    }
    if (center && beta(call)->trainable()) schedule.bias_grad(dy, beta(call));
  }

  template <class Real> BatchStatistics<Real> statistics(Call<Real>& call) const {
    return {data_of(gamma(call)),
            data_of(beta(call)),
            mean(call)->w,
            variance(call)->w,
            call.save("inverse", n, n).at,
            momentum,
            epsilon};
  }
  template <class Real> static BatchStatistics<Real> at(BatchStatistics<Real> s, std::size_t column) {
    if (s.gamma) s.gamma += column;
    if (s.beta) s.beta += column;
    s.moving_mean += column;
    s.moving_variance += column;
    s.inverse += column;
    return s;
  }

  // g / sqrt(variance + epsilon) (n), made anew in each pass; g (n), or null: 1
  template <class Real> const Real* factors(Schedule<Real>& schedule, Call<Real>& call, const Real* g) const {
    Real* const factor = schedule.workspace(n);
    const Real* const v = variance(call)->w;
    schedule.once({{g, v}, {factor}}, [=, n = n, epsilon = epsilon] {
      for (std::size_t j = 0; j < n; ++j) factor[j] = Real((g ? double(g[j]) : 1) / std::sqrt(double(v[j]) + epsilon));
    });
    return factor;
  }
};

}  // namespace gs
