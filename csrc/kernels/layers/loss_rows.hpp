// Loops over rows for every loss.
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/layers/losses.hpp"
#include "kernels/layers/target_rows.hpp"
#include "kernels/simd.hpp"

namespace gs {
namespace {

/// The cross-entropy of two classes, of logits: a row by itself would leave most of a vector idle, so sixteen lie side
/// by side, without branches. The bits of CategoricalCrossentropyOfLogits::row.
template <class Real> struct PairsOfLogits {
  static constexpr std::size_t count = 16;
  std::int64_t label[count];
  Real a[count], b[count], scale[count], loss[count];

  HD void run(double ignored) {
#pragma omp simd
    for (std::size_t i = 0; i < count; ++i) {
      const std::int64_t is = label[i];
      const Real top = larger(a[i], b[i]), left = a[i] - top, right = b[i] - top;
      const Real x = exp_nonpositive(left), y = exp_nonpositive(right), sum = x + y;
      const bool counts = double(is) != ignored, is_class = std::uint64_t(is) < 2;
      const Real share = is_class ? 1 / sum : Real(0), value = log(sum) - (is == 1 ? right : left);
      a[i] = counts ? scale[i] * (share * x - (is == 0 ? Real(1) : Real(0))) : Real(0);
      b[i] = counts ? scale[i] * (share * y - (is == 1 ? Real(1) : Real(0))) : Real(0);
      loss[i] = int(counts) & int(is_class) ? value : Real(0);
    }
  }
};

template <class Real>
void loss_of_pairs(double ignored, const TargetRows<true, Real>& t, const Real* y, std::size_t rows,
                   const double* scales, double* values, Real* dy) {
  PairsOfLogits<Real> pairs{};
  for (std::size_t first = 0; first < rows; first += pairs.count) {
    const std::size_t count = rows - first < pairs.count ? rows - first : pairs.count;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t row = first + i;
      pairs.label[i] = t(row).label;
      pairs.scale[i] = Real(scales[row]);
      pairs.a[i] = y[2 * row];
      pairs.b[i] = y[2 * row + 1];
    }
    pairs.run(ignored);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t row = first + i;
      values[row] = pairs.loss[i];
      if (!dy) continue;
      dy[2 * row] = pairs.a[i];
      dy[2 * row + 1] = pairs.b[i];
    }
  }
}

/// sums (4): of each of parts (4, 16), in the order and the time of one: no addition waits for that of another row.
template <class Real> HD_CALLED void sums_of_four(const Real (*parts)[fold_lanes], Real* RESTRICT sums) {
  Real a = 0, b = 0, c = 0, d = 0;
#pragma GCC unroll 1
  for (std::size_t l = 0; l < fold_lanes; ++l) {
    a += parts[0][l];
    b += parts[1][l];
    c += parts[2][l];
    d += parts[3][l];
  }
  sums[0] = a;
  sums[1] = b;
  sums[2] = c;
  sums[3] = d;
}

/// Losses of rows of n >= fold_lanes numbers, with the same bits as `OverRow::row`. A row ends in sixteen sums, which
/// are added one after another. That takes as long as the row itself; for four rows side by side it takes no longer.
template <class Term, bool mean, class Targets, class Real>
HD void loss_of_long_rows(const OverRow<Term, mean>& form, const Targets& t, const Real* y, std::size_t rows,
                          std::size_t n, const double* scales, double* values, Real* dy) {
  const auto share = [=](Real whole) INLINED { return mean ? whole / Real(n) : whole; };
  Real parts[4][fold_lanes], sums[4];
  for (std::size_t i = 0; i < rows; ++i, y += n) {
    const std::size_t at = i % 4;
    const auto of_row = t(i);
    Real* const own = parts[at];
    for (std::size_t l = 0; l < fold_lanes; ++l) own[l] = 0;
    std::size_t k = 0;
    for (; k + fold_lanes <= n; k += fold_lanes) {
#pragma omp simd
      for (std::size_t l = 0; l < fold_lanes; ++l) own[l] += form.value(of_row(k + l), y[k + l]);
    }
#pragma GCC unroll 1
    for (std::size_t l = 0; k + l < n; ++l) own[l] += form.value(of_row(k + l), y[k + l]);
    if (dy) {
      const Real scale = share(Real(scales[i]));
      Real* const slopes = dy + i * n;
#pragma omp simd
      for (std::size_t j = 0; j < n; ++j) slopes[j] = scale * form.derivative(of_row(j), y[j]);
    }
    if (at < 3 && i + 1 < rows) continue;
    if (at == 3)
      sums_of_four(parts, sums);
    else
      for (std::size_t j = 0; j <= at; ++j) sums[j] = sum_of_lanes(parts[j], n);
    for (std::size_t j = 0; j <= at; ++j) values[i - at + j] = share(sums[j]);
  }
}

template <class Form, bool labels, class Real>
void loss_rows(const double* settings, const void* const* targets, const void* outputs, std::size_t rows, std::size_t n,
               const double* scales, double* values, void* gradient) {
  const Form form = with_values<Form>(settings);
  const TargetRows<labels, Real> t{targets};
  const Real* y = static_cast<const Real*>(outputs);
  Real* dy = static_cast<Real*>(gradient);
  if constexpr (std::is_same_v<Form, Sparse<CategoricalCrossentropyOfLogits>>)
    if (n == 2) return loss_of_pairs(form.ignore_class, t, y, rows, scales, values, dy);
  if constexpr (Form::joins_rows)
    if (n > 0 && n < few) return form.short_rows(t, y, rows, n, scales, values, dy);
  if constexpr (Form::is_cheap && !Form::whole_batch)
    if (n >= fold_lanes) return loss_of_long_rows(form, t, y, rows, n, scales, values, dy);
  if constexpr (Form::whole_batch)
    form.batch(t, y, rows, n, scales, values, dy);
  else
    for (std::size_t i = 0; i < rows; ++i)
      values[i] = form.row(t(i), y + i * n, n, Real(scales[i]), dy ? dy + i * n : nullptr);
}

template <class L> constexpr LossLoops loss_loops() {
  constexpr bool labels = L::targets != TargetKind::numbers;
  return {{loss_rows<typename L::OfOutputs, labels, float>, loss_rows<typename L::OfOutputs, labels, double>},
          {loss_rows<typename L::OfLogits, labels, float>, loss_rows<typename L::OfLogits, labels, double>}};
}

template <class... List> constexpr LossesTable<TypeList<List...>> losses_of(TypeList<List...>) {
  return {{loss_loops<List>()...}};
}

}  // namespace
}  // namespace gs
