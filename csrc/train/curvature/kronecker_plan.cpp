#include "train/curvature/kronecker_plan.hpp"

#include <algorithm>

#include "train/curvature/curvature_jobs.hpp"

namespace gs {

template <class Real>
KroneckerPlan<Real>::KroneckerPlan(const std::vector<CurvatureTap<Real>>& taps, bool drawn,
                                   const std::vector<KroneckerFactors<Real>>& factors)
    : CurvaturePlan<Real>(taps, drawn) {
  for (const Layer& layer : this->layers_)
    add(layer, *std::find_if(factors.begin(), factors.end(),
                             [&](const auto& one) { return one.number == layer.tap.kernel->number; }));
}

template <class Real> Real* KroneckerPlan<Real>::add_panels(const Layer& layer) {
  const std::size_t wide = products<Real>().panel_columns, depth = layer.inputs, rows = layer.rows;
  const std::size_t panels = (rows + wide - 1) / wide, piece = 128, pieces = (depth + piece - 1) / piece;
  Real* const to = room(panels * wide * depth);
  this->inputs_.add(this->each_row(panels * pieces, 8192,
                                   [=, x = layer.x, ldx = layer.ldx](std::size_t first, std::size_t count) {
                                     for (std::size_t k = first; k < first + count; ++k) {
                                       const std::size_t column = k / pieces * wide, begin = k % pieces * piece;
                                       Product<Real> part{};
                                       part.b = x + begin;
                                       part.ldb = ldx;
                                       part.b_transposed = true;
                                       part.columns = rows;
                                       part.depth = std::min(piece, depth - begin);
                                       products<Real>().pack_panel(part, column, to + column * depth + begin * wide);
                                     }
                                   }),
                    {{layer.x}, {to}});
  return to;
}

template <class Real> void KroneckerPlan<Real>::add(const Layer& layer, const KroneckerFactors<Real>& factors) {
  const auto& [tap, rows, in, out, ldx, x, dz, curved, x_rows, dz_rows, curved_rows] = layer;
  factors_.add(std::make_unique<GramJob<Real>>(x_rows, x, ldx, rows, in, factors.a, keep_, take_a_.emplace_back()), {});
  factors_.add(std::make_unique<GramJob<Real>>(curved_rows, curved, out, rows, out, factors.g, keep_, take_g_), {});

  const double by_rows = double(rows) * double(in * in + out * out + in * out + rows * (in + out));
  const double by_outputs = double(out) * double(rows * in + in * in + 2 * out * in);
  const bool of_rows = by_rows <= by_outputs;
  const std::size_t count = of_rows ? rows : out, ld = align<Real>(count);
  Real *const left = room(in * ld), *const right = room(count * out);
  const void* const* const a_rows = rows_of(factors.a_inverse, in, in);
  if (of_rows) {
    Product<Real> across = product_of({a_rows}, add_panels(layer), in, left, ld, in, rows, in);
    across.in_panels = true;
    parts_.add(std::make_unique<ProductJob<Real>>(across), {{}, {left}});
    parts_.add(product({dz_rows}, factors.g_inverse, out, right, out, rows, out, out), {{}, {right}});
    products_.add(std::make_unique<TraceJob<Real>>(typename TraceJob<Real>::Product{{x_rows}, left, ld, false, in},
                                                   typename TraceJob<Real>::Product{{dz_rows}, right, out, true, out},
                                                   count, sums_.emplace_back()),
                  {});
  } else {
    Real* const gradient = room(in * ld);
    parts_.add(product({x_rows, true}, dz, out, gradient, ld, in, out, rows), {{}, {gradient}});
    parts_.add(product({a_rows}, gradient, ld, left, ld, in, out, in), {{gradient}, {left}});
    parts_.add(this->each_row(out, out,
                              [=, from = factors.g_inverse, out = out](std::size_t first, std::size_t n) {
                                std::copy_n(from + first * out, n * out, right + first * out);
                              }),
               {{}, {right}});
    products_.add(
        std::make_unique<TraceJob<Real>>(
            typename TraceJob<Real>::Product{{rows_of(gradient, in, ld), true}, left, ld, false, in},
            typename TraceJob<Real>::Product{{}, factors.g_inverse, out, false, 0}, count, sums_.emplace_back()),
        {});
  }

  directions_.add(this->each_row(count, out,
                                 [=, out = out](std::size_t first, std::size_t n) {
                                   for (std::size_t i = first * out; i < (first + n) * out; ++i) right[i] *= factor_;
                                 }),
                  {{}, {right}});
  Real* const kernel = tap.kernel->gradient;
  const std::size_t columns = tap.x.columns;
  directions_.add(product({rows_of(left, columns, ld)}, right, out, kernel, out, columns, out, count),
                  {{right}, {kernel}});
  if (!tap.bias) return;
  Real* const bias = tap.bias->gradient;
  directions_.add(product({rows_of(left + columns * ld, 1, ld)}, right, out, bias, out, 1, out, count),
                  {{right}, {bias}});
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
