// Layers that merge values elementwise.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "graph/call.hpp"
#include "kernels/layers/merge.hpp"
#include "layers/views.hpp"

namespace gs {

/// y = f(f(a, b), c). An input with fewer axes, or with 1 in an axis, is stretched to the shape of the others.
struct ElementwiseMerge {
  Shape shape;  // of the output
  std::size_t n;
  std::vector<Views> stretches;  // (input)
  Merge rule;

  ElementwiseMerge(const Shapes& inputs, Merge rule) : rule(rule) {
    for (const Shape& input : inputs)
      if (input.size() > shape.size()) shape.insert(shape.begin(), input.size() - shape.size(), 1);
    for (const Shape& input : inputs)
      for (std::size_t k = 0; k < input.size(); ++k) {
        std::size_t& size = shape[k + shape.size() - input.size()];
        size = std::max(size, input[k]);
      }
    n = size_of(shape);
    for (const Shape& input : inputs) stretches.push_back(broadcast(input, shape));
  }
  Shape output() const { return shape; }
  Shapes weights() const { return {}; }

  // x, two or more -> y = f(f(x[0], x[1]), x[2]) (batch, n)
  template <class Real> void forward(Schedule<Real>& schedule, Call<Real>& call) const {
    for (std::size_t i = 0; i < stretches.size(); ++i)
      if (!stretches[i].is_identity())
        copy(schedule, stretches[i], call.x_matrix(stretches[i].source_size, i), stretched(call, i));
    const Matrix<Real> y = call.y(n);
    const std::vector<const Real*> x = inputs(call);
    schedule.each_row(y.rows, n, {{x.begin(), x.end()}, {y.at}},
                      [=, n = n, merge = merge_loops<Real>().forward[int(rule)]](std::size_t first, std::size_t count) {
                        merge(x.data(), x.size(), first * n, count * n, y.at);
                      });
  }

  // dy (batch, n) -> dx of each
  template <class Real> void backward(Schedule<Real>& schedule, Call<Real>& call) const {
    const Matrix<Real> dy = call.dy(n);
    const std::vector<const Real*> x = inputs(call);
    std::vector<Matrix<Real>> whole;  // gradients before they are brought to their inputs' shapes
    std::vector<Real*> dx;
    for (std::size_t i = 0; i < stretches.size(); ++i) {
      const Matrix<Real> wanted = call.dx(stretches[i].source_size, i);
      whole.push_back(wanted && !stretches[i].is_identity() ? call.save("gradient " + std::to_string(i), n) : wanted);
      dx.push_back(whole[i].at);
    }
    Access access{{x.begin(), x.end()}, {dx.begin(), dx.end()}};
    access.reads.push_back(dy.at);
    schedule.each_row(
        dy.rows, n, access,
        [=, n = n, merge = merge_loops<Real>().backward[int(rule)]](std::size_t first, std::size_t count) {
          merge(x.data(), x.size(), first * n, count * n, dy.at, dx.data());
        });
    for (std::size_t i = 0; i < stretches.size(); ++i)
      if (whole[i] && !stretches[i].is_identity())
        copy(schedule, stretches[i].reversed(), whole[i], call.dx(stretches[i].source_size, i));
  }

  // dx of each -> dy: what is linear by itself, else the sum of dx dy/dx over the inputs
  template <class Real> void tangent(Schedule<Real>& schedule, Call<Real>& call, Call<Real>& d) const {
    if (rule == Merge::add || rule == Merge::subtract || rule == Merge::average) return forward(schedule, d);
    for (std::size_t i = 0; i < stretches.size(); ++i)
      if (!stretches[i].is_identity())
        copy(schedule, stretches[i], d.x_matrix(stretches[i].source_size, i), stretched(d, i));
    const Matrix<Real> dy = d.y(n), ones = d.save("ones", n);
    const std::vector<const Real*> x = inputs(call), dx = inputs(d);
    std::vector<Real*> slopes;
    for (std::size_t i = 0; i < x.size(); ++i) slopes.push_back(d.save("slope " + std::to_string(i), n).at);
    Access access{{x.begin(), x.end()}, {slopes.begin(), slopes.end()}};
    access.reads.insert(access.reads.end(), dx.begin(), dx.end());
    access.writes.insert(access.writes.end(), {ones.at, dy.at});
    schedule.each_row(
        dy.rows, n, access,
        [=, n = n, merge = merge_loops<Real>().backward[int(rule)]](std::size_t first, std::size_t count) {
          std::fill_n(ones.at + first * n, count * n, Real(1));
          merge(x.data(), x.size(), first * n, count * n, ones.at, slopes.data());
          for (std::size_t k = first * n; k < (first + count) * n; ++k) {
            Real sum = 0;
            for (std::size_t i = 0; i < x.size(); ++i) sum += slopes[i][k] * dx[i][k];
            dy.at[k] = sum;
          }
        });
  }

 private:
  template <class Real> Matrix<Real> stretched(Call<Real>& call, std::size_t i) const {
    return call.save("stretched " + std::to_string(i), n);
  }
  template <class Real> std::vector<const Real*> inputs(Call<Real>& call) const {
    std::vector<const Real*> all;
    for (std::size_t i = 0; i < stretches.size(); ++i)
      all.push_back((stretches[i].is_identity() ? call.x_matrix(n, i) : stretched(call, i)).at);
    return all;
  }
};

template <Merge by> struct MergeBy : ElementwiseMerge {
  static constexpr const char* names[n_merges] = {"add", "subtract", "multiply", "average", "maximum", "minimum"};
  static constexpr const char* name = names[int(by)];
  template <class Settings> MergeBy(const Shapes& inputs, const Settings& settings) : ElementwiseMerge(inputs, by) {
    settings.check(inputs.size() >= 2, "inputs must be two or more.");
  }
};
using Add = MergeBy<Merge::add>;
using Subtract = MergeBy<Merge::subtract>;
using Multiply = MergeBy<Merge::multiply>;
using Average = MergeBy<Merge::average>;
using Maximum = MergeBy<Merge::maximum>;
using Minimum = MergeBy<Merge::minimum>;

}  // namespace gs
