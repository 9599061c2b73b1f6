#include "graph/weight_attributes.hpp"

#include <algorithm>
#include <cmath>

#include "core/blocks.hpp"
#include "core/math.hpp"
#include "runtime/dispatch.hpp"

namespace gs {
namespace {

// factor * sum over i < j of |cos(i, j)| over their number, between the rows of x (count, n); gradient (count, n),
// unless it is null.
template <class Real>
double orthogonal(const Real* x, std::size_t count, std::size_t n, double factor, Real* gradient) {
  if (count < 2) {
    if (gradient) std::fill_n(gradient, count * n, Real(0));
    return 0;
  }
  const double share = factor / (double(count) * double(count - 1) / 2);
  std::vector<double> unit(count * n), norms(count), gradients(gradient ? count * n : 0);
  for (std::size_t i = 0; i < count; ++i) {
    double squares = 0;
    for (std::size_t k = 0; k < n; ++k) squares += double(x[i * n + k]) * double(x[i * n + k]);
    const double by = rescaling(squares);
    if (by != 1) {
      squares = 0;
      for (std::size_t k = 0; k < n; ++k) squares += double(x[i * n + k]) * by * (double(x[i * n + k]) * by);
    }
    norms[i] = std::max(std::sqrt(squares) / by, 1e-12);
    for (std::size_t k = 0; k < n; ++k) unit[i * n + k] = double(x[i * n + k]) / norms[i];
  }
  double sum = 0;
  for (std::size_t i = 0; i < count && !ThreadTeam::is_cancelled(); ++i)
    for (std::size_t j = 0; j < i; ++j) {
      const double *a = &unit[i * n], *b = &unit[j * n];
      double lanes[8] = {};
      std::size_t k = 0;
      for (; k + 8 <= n; k += 8)
        for (std::size_t l = 0; l < 8; ++l) lanes[l] += a[k + l] * b[k + l];
      for (; k < n; ++k) lanes[0] += a[k] * b[k];
      double dot = 0;
      for (const double lane : lanes) dot += lane;
      sum += std::fabs(dot);
      if (!gradient || dot == 0) continue;
      const double way = dot > 0 ? share : -share;
      for (k = 0; k < n; ++k) {
        gradients[i * n + k] += way * b[k];
        gradients[j * n + k] += way * a[k];
      }
    }
  for (std::size_t i = 0; gradient && i < count; ++i) {
    double along = 0;  // what would only make the row longer
    for (std::size_t k = 0; k < n; ++k) along += gradients[i * n + k] * unit[i * n + k];
    for (std::size_t k = 0; k < n; ++k)
      gradient[i * n + k] = Real((gradients[i * n + k] - along * unit[i * n + k]) / norms[i]);
  }
  return share * sum;
}

template <class Real> void transpose(const Real* x, std::size_t rows, std::size_t columns, Real* y) {
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j) y[j * rows + i] = x[i * columns + j];
}

}  // namespace

template <class Real> double penalty_at(const Real* w, const WeightAttributes& t, Real* gradient) {
  const Penalty& p = t.penalty;
  double value = 0;
  if (p.elementwise()) {
    const PenaltySums sums = regularize_loops<Real>().penalize(w, nullptr, nullptr, 0, 0, MatrixLayout(t.size()));
    value = (p.l1 + p.proximal) * sums.sizes + p.l2 * sums.squares;
  }
  if (p.orthogonal == 0) return value;
  if (p.of_rows) return value + orthogonal(w, t.rows, t.columns, p.orthogonal, gradient);
  std::vector<Real> transposed(t.rows * t.columns), transposed_gradient(gradient ? transposed.size() : 0);
  transpose(w, t.rows, t.columns, transposed.data());
  value +=
      orthogonal(transposed.data(), t.columns, t.rows, p.orthogonal, gradient ? transposed_gradient.data() : nullptr);
  if (gradient) transpose(transposed_gradient.data(), t.columns, t.rows, gradient);
  return value;
}

template <class Real> double penalize(const Real* w, const WeightAttributes& t, Real* g) {
  const Penalty& p = t.penalty;
  std::vector<Real> gradient(p.orthogonal == 0 ? 0 : t.size());
  const double value = penalty_at(w, t, gradient.empty() ? nullptr : gradient.data());
  regularize_loops<Real>().penalize(w, g, gradient.empty() ? nullptr : gradient.data(), p.l1, p.l2,
                                    MatrixLayout(t.size()));
  return value;
}

template <class Real> void constrain(Real* w, const WeightAttributes& t, double amount, ThreadTeam& team) {
  const RegularizeLoops<Real>& loops = regularize_loops<Real>();
  const Constraint& c = t.constraint;
  const std::size_t size = t.size();
  if (amount > 0 || c.kind == Constraint::Kind::non_negative) {
    const Blocks blocks(size, 8192);
    team.stage(blocks.count, [&](std::size_t chunk, int) {
      Real* const at = w + blocks.begin(chunk);
      if (amount > 0) loops.shrink(at, amount, blocks.size(chunk));
      if (c.kind == Constraint::Kind::non_negative) loops.rectify(at, blocks.size(chunk));
    });
  }
  if (c.kind != Constraint::Kind::norm) return;
  // Norms of `length` numbers that lie `inner` apart; `outer` blocks of inner * length numbers make up the weight.
  using Axis = Constraint::Axis;
  const bool each_row = c.axis == Axis::last && t.rows, each_column = c.axis == Axis::first && t.rows;
  const std::size_t outer = each_row ? t.rows : 1, inner = each_column ? t.columns : 1, length = size / outer / inner;
  const Blocks blocks(inner, 64);
  team.stage(outer * blocks.count, [&](std::size_t chunk, int) {
    const std::size_t from = chunk / blocks.count * length * inner, block = chunk % blocks.count;
    loops.bound_columns(w + from + blocks.begin(block), length, blocks.size(block), inner, c.low, c.high, c.rate);
  });
}

template double penalty_at(const float*, const WeightAttributes&, float*);
template double penalty_at(const double*, const WeightAttributes&, double*);
template double penalize(const float*, const WeightAttributes&, float*);
template double penalize(const double*, const WeightAttributes&, double*);
template void constrain(float*, const WeightAttributes&, double, ThreadTeam&);
template void constrain(double*, const WeightAttributes&, double, ThreadTeam&);

}  // namespace gs
