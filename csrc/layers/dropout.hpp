// Dropout and its variants.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "graph/call.hpp"
#include "kernels/layers/drop.hpp"

namespace gs {

/// y = x d / (1 - rate), where d is 0 with probability rate, else 1; in inference y = x. Srivastava et al. 2014,
/// JMLR 15. No d is stored: backward draws it again.
struct Dropout {
  Shape shape;
  std::size_t n;  // numbers of a sample
  double rate;
  std::uint64_t key;

  static constexpr bool is_linear = true;  // in x: so its tangent is its forward pass
  static constexpr const char* name = "dropout";
  template <class Settings>
  Dropout(const Shapes& inputs, const Settings& settings)
      : shape(inputs[0]), n(size_of(shape)), rate(settings.real("rate", 0, 1)), key(settings.key("key")) {}
  Shape output() const { return shape; }
  Shapes weights() const { return {}; }
  std::vector<std::uint64_t*> keys() { return {&key}; }

  // x (batch, n) -> y (batch, n)
  template <class Real> void forward(Schedule<Real>& schedule, Call<Real>& call) const {
    if (!schedule.training) return call.pass();
    schedule.drop(call.x(n), call.y(n), rate, key);
  }

  // dy (batch, n) -> dx (batch, n)
  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    if (const Matrix<Real> dx = call.dx(n)) schedule.drop(schedule.rows(call.dy(n)), dx, rate, key);
  }
};

/// The same, with one d for all numbers along some axes, and for all samples of a batch if they share it too; and with
/// y = scale x + shift where d is 1, `dropped` where it is 0. With the numbers of the latter the mean and the variance
/// stay 0 and 1 behind a selu. Klambauer et al. 2017, arXiv:1706.02515.
struct SharedDropout {
  Shape shape;
  std::size_t n;  // numbers of a sample
  double rate;
  std::uint64_t key;
  DrawAxes axes;
  std::size_t drawn = 1;  // d of a sample
  bool one_for_batch;
  double scale, shift, dropped;

  static constexpr const char* name = "shared_dropout";
  template <class Settings>
  SharedDropout(const Shapes& inputs, const Settings& settings)
      : shape(inputs[0]),
        n(size_of(shape)),
        rate(settings.real("rate", 0, 1)),
        key(settings.key("key")),
        one_for_batch(settings.flag("one_for_batch")),
        scale(settings.real("scale")),
        shift(settings.real("shift")),
        dropped(settings.real("dropped")) {
    const std::vector<bool> shares = settings.flags("shares");
    settings.check(shares.size() == shape.size() && shares.size() <= DrawAxes::most,
                   "shares must say it of each axis of a sample, at most 8.");
    for (std::size_t k = 0; k < shares.size(); ++k) {
      axes.axis[axes.rank++] = {shape[k], shares[k]};
      if (!shares[k]) drawn *= shape[k];
    }
  }
  Shape output() const { return shape; }
  Shapes weights() const { return {}; }
  std::vector<std::uint64_t*> keys() { return {&key}; }

  // x (batch, n) -> y (batch, n)
  template <class Real> void forward(Schedule<Real>& schedule, Call<Real>& call) const {
    if (!schedule.training) return call.pass();
    drop(schedule, call, call.x(n), call.y(n), shift, dropped);
  }

  // dy (batch, n) -> dx (batch, n)
  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    if (const Matrix<Real> dx = call.dx(n)) drop(schedule, call, schedule.rows(call.dy(n)), dx, 0, 0);
  }

  template <class Real> void tangent(Schedule<Real>& schedule, Call<Real>& call, Call<Real>& d) const {
    drop(schedule, call, d.x(n), d.y(n), 0, 0);
  }

 private:
  template <class Real>
  void drop(Schedule<Real>& schedule, Call<Real>& call, const Rows& x, Matrix<Real> y, double shift,
            double dropped) const {
    const Matrix<Real> words = call.save("words", y.rows * drawn, drawn);
    const Draw of_pass{key, 0, drop_threshold(rate), scale, shift, dropped};
    schedule.each_row(y.rows, n, {{x.memory}, {y.at, words.at}},
                      [=, &schedule, *this, work = kernels().drop.drop_shared[dtype_of<Real>()]](std::size_t first,
                                                                                                 std::size_t count) {
                        Schedule<Real>::read(x, first, count, y);
                        Draw draw = of_pass;
                        draw.pass = schedule.number;
                        work(y.at + first * n, count, axes, one_for_batch ? nullptr : schedule.ids.data() + first, draw,
                             reinterpret_cast<std::uint32_t*>(words.at + first * drawn));
                      });
  }
};

}  // namespace gs
