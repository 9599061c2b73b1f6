#include "train/curvature/diagonal_plan.hpp"

#include <algorithm>

namespace gs {

template <class Real>
DiagonalPlan<Real>::DiagonalPlan(const std::vector<CurvatureTap<Real>>& taps, bool drawn, std::size_t slot,
                                 const double& damping)
    : CurvaturePlan<Real>(taps, drawn) {
  for (const Layer& layer : this->layers_) add(layer, slot, damping);
}

template <class Real> void DiagonalPlan<Real>::add(const Layer& layer, std::size_t slot, const double& damping) {
  const auto square = [&](const Real* from, std::size_t rows, std::size_t n) {
    Real* const to = room(rows * n);
    squares_.add(this->each_row(rows, n,
                                [=](std::size_t first, std::size_t count) {
                                  for (std::size_t i = first * n; i < (first + count) * n; ++i)
                                    to[i] = from[i] * from[i];
                                }),
                 {{}, {to}});
    return to;
  };
  const void* const* const x = rows_of(square(layer.x, layer.rows, layer.ldx), layer.rows, layer.ldx);
  const Real* const dz = square(layer.curved, layer.rows, layer.outputs);
  const std::size_t columns = layer.tap.x.columns;
  Real* const squared = room(layer.inputs * layer.outputs);
  add(layer, *layer.tap.kernel, x, dz, squared, 0, columns, slot, damping);
  if (layer.tap.bias) add(layer, *layer.tap.bias, x, dz, squared + columns * layer.outputs, columns, 1, slot, damping);
}

template <class Real>
void DiagonalPlan<Real>::add(const Layer& layer, const Weight<Real>& weight, const void* const* squares,
                             const Real* others, Real* squared, std::size_t first, std::size_t rows, std::size_t slot,
                             const double& damping) {
  const std::size_t n = layer.outputs;
  Real *const v = static_cast<Real*>(weight.state[slot]), *const g = weight.gradient;
  squares_.add(product({squares, true, first}, others, n, squared, n, rows, n, layer.rows), {{others}, {squared}});
  squares_.add(this->each_row(rows, n,
                              [=](std::size_t row, std::size_t count) {
                                const Real keep = Real(keep_), take = Real(take_);
#pragma omp simd
                                for (std::size_t i = row * n; i < (row + count) * n; ++i)
                                  v[i] = keep * v[i] + take * squared[i];
                              }),
               {{squared}, {v}});
  gradients_.add(product({layer.x_rows, true, first}, layer.dz, n, g, n, rows, n, layer.rows), {{}, {g}});
  std::vector<double>& sums = sums_.emplace_back(rows);
  gradients_.add(this->each_row(rows, n,
                                [=, &sums, &damping](std::size_t row, std::size_t count) {
                                  for (std::size_t r = row; r < row + count; ++r) {
                                    double sum = 0;
                                    for (std::size_t i = r * n; i < (r + 1) * n; ++i) {
                                      const Real gradient = g[i];
                                      g[i] = gradient / (v[i] + Real(damping));
                                      sum += double(gradient) * double(g[i]);
                                    }
                                    sums[r] = sum;
                                  }
                                }),
                 {{}, {g}});
  directions_.add(this->each_row(rows, n,
                                 [=](std::size_t row, std::size_t count) {
                                   const Real factor = Real(factor_);
                                   for (std::size_t i = row * n; i < (row + count) * n; ++i) g[i] *= factor;
                                 }),
                  {{}, {g}});
}

template <class Real> void DiagonalPlan<Real>::learn(ThreadTeam& team, double keep, double scale) {
  keep_ = keep;
  take_ = (1 - keep) * scale;
  this->run(squares_, team);
}

template <class Real> double DiagonalPlan<Real>::prepare(ThreadTeam& team, bool) {
  this->run(gradients_, team);
  return this->total(sums_);
}

template <class Real> void DiagonalPlan<Real>::finish(ThreadTeam& team, double factor) {
  factor_ = factor;
  if (factor != 1) this->run(directions_, team);
}

template class DiagonalPlan<float>;
template class DiagonalPlan<double>;

}  // namespace gs
