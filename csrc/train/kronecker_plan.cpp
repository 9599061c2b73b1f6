#include "train/kronecker_plan.hpp"

#include <algorithm>

#include "train/curvature_jobs.hpp"

namespace gs {

template <class Real>
KroneckerPlan<Real>::KroneckerPlan(const std::vector<CurvatureTap<Real>>& taps, bool drawn,
                                   const std::vector<KroneckerFactors<Real>>& factors)
    : CurvaturePlan<Real>(taps, drawn) {
  for (const Layer& layer : this->layers_)
    add(layer, *std::find_if(factors.begin(), factors.end(),
                             [&](const auto& one) { return one.number == layer.tap.kernel->number; }));
}

template <class Real> void KroneckerPlan<Real>::add(const Layer& layer, const KroneckerFactors<Real>& factors) {
  const auto& [tap, rows, in, out, ldx, x, dz, curved, x_rows, dz_rows, curved_rows] = layer;
  factors_.add(std::make_unique<GramJob<Real>>(x_rows, x, ldx, rows, in, factors.a, keep_, take_a_.emplace_back()), {});
  factors_.add(std::make_unique<GramJob<Real>>(curved_rows, curved, out, rows, out, factors.g, keep_, take_g_), {});

  const double by_rows = double(rows) * double(in * in + out * out + in * out + rows * (in + out));
  const double by_outputs = double(out) * double(rows * in + in * in + 2 * out * in);
  const bool of_rows = by_rows <= by_outputs;
  const std::size_t count = of_rows ? rows : out;
  Real *const left = room(count * ldx), *const right = room(count * out);
  typename TraceJob<Real>::Factor of_left{x_rows, left, ldx, in}, of_right{dz_rows, right, out, out};
  if (of_rows) {
    parts_.add(product({x_rows}, factors.a_inverse, in, left, ldx, rows, in, in), {{}, {left}});
    parts_.add(product({dz_rows}, factors.g_inverse, out, right, out, rows, out, out), {{}, {right}});
  } else {
    Real* const gradient = room(out * ldx);  // transposed
    of_left.rows = rows_of(gradient, out, ldx);
    of_right = {nullptr, factors.g_inverse, out, out};
    parts_.add(product({dz_rows, true}, x, ldx, gradient, ldx, out, in, rows), {{}, {gradient}});
    parts_.add(product({of_left.rows}, factors.a_inverse, in, left, ldx, out, in, in), {{gradient}, {left}});
    parts_.add(this->each_row(out, out,
                              [=, from = factors.g_inverse, out = out](std::size_t first, std::size_t n) {
                                std::copy_n(from + first * out, n * out, right + first * out);
                              }),
               {{}, {right}});
  }
  products_.add(std::make_unique<TraceJob<Real>>(of_left, of_right, count, sums_.emplace_back()), {});

  const void* const* const left_rows = rows_of(left, count, ldx);
  directions_.add(this->each_row(count, out,
                                 [=, out = out](std::size_t first, std::size_t n) {
                                   for (std::size_t i = first * out; i < (first + n) * out; ++i) right[i] *= factor_;
                                 }),
                  {{}, {right}});
  Real* const kernel = tap.kernel->gradient;
  directions_.add(product({left_rows, true}, right, out, kernel, out, tap.x.columns, out, count), {{right}, {kernel}});
  if (!tap.bias) return;
  Real* const bias = tap.bias->gradient;
  directions_.add(product({left_rows, true, tap.x.columns}, right, out, bias, out, 1, out, count), {{right}, {bias}});
}

template <class Real> void KroneckerPlan<Real>::learn(ThreadTeam& team, double keep, double scale) {
  keep_ = keep;
  take_g_ = (1 - keep) * scale;
  for (std::size_t k = 0; k < take_a_.size(); ++k) take_a_[k] = (1 - keep) / double(this->layers_[k].rows);
  this->run(factors_, team);
}

template <class Real> double KroneckerPlan<Real>::prepare(ThreadTeam& team, bool measures) {
  this->run(parts_, team);
  if (!measures) return 0;
  this->run(products_, team);
  return this->total(sums_);
}

template <class Real> void KroneckerPlan<Real>::finish(ThreadTeam& team, double factor) {
  factor_ = Real(factor);
  this->run(directions_, team);
}

template class KroneckerPlan<float>;
template class KroneckerPlan<double>;

}  // namespace gs
