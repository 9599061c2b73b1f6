// Loops over rows for every loss and accuracy; sums over columns.
#include "kernels/layers/reduce.hpp"

#include <cstdint>
#include <type_traits>

#include "kernels/simd.hpp"

namespace gs {
namespace {

/// Targets of rows, by pointers to them.
template <bool labels, class Real> struct TargetRows {
  const void* const* at;
  HD auto operator()(std::size_t i) const {
    if constexpr (labels)
      return Label<Real>{*static_cast<const volatile std::int64_t*>(at[i])};  // once, for another may write it
    else
      return Values<Real>{static_cast<const Real*>(at[i])};
  }
};

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

template <class Accuracy, class Real>
void accuracy_rows(const void* const* targets, const void* outputs, std::size_t rows, std::size_t n, double* values) {
  const Real* y = static_cast<const Real*>(outputs);
  const TargetRows<Accuracy::labels, Real> t{targets};
  for (std::size_t i = 0; i < rows; ++i) values[i] = Accuracy::Score::row(t(i), y + i * n, n);
}

/// The sums of `count` columns, which stay in registers, one or several vectors -> to; or added to what is there.
template <std::size_t count, class Real>
HD void few_sums(const Real* x, std::size_t ld, std::size_t rows, bool adds, Real* RESTRICT to) {
  constexpr int bytes = count * sizeof(Real) < vector_bytes ? int(count * sizeof(Real)) : vector_bytes;
  constexpr std::size_t lanes = Simd<Real, bytes>::lanes, vectors = count / lanes;
  typename Simd<Real, bytes>::Vector sums[vectors] = {};
#pragma GCC unroll 4
  for (std::size_t j = 0; adds && j < vectors; ++j) sums[j] = load<Real, bytes>(to + j * lanes);
  for (std::size_t i = 0; i < rows; ++i, x += ld)
#pragma GCC unroll 4
    for (std::size_t j = 0; j < vectors; ++j) sums[j] += load<Real, bytes>(x + j * lanes);
#pragma GCC unroll 4
  for (std::size_t j = 0; j < vectors; ++j) store<bytes>(to + j * lanes, sums[j]);
}

/// Of fewer than 2 count columns.
template <std::size_t count, class Real>
HD void last_sums(const Real* x, std::size_t ld, std::size_t rows, std::size_t columns, bool adds, Real* RESTRICT to) {
  const std::size_t done = columns & count;
  if (done) few_sums<count>(x, ld, rows, adds, to);
  if constexpr (count > 1) last_sums<count / 2>(x + done, ld, rows, columns - done, adds, to + done);
}

template <class Real>
void column_sums(const void* from, std::size_t ld, std::size_t rows, std::size_t columns, void* to) {
  constexpr std::size_t most = 4 * Simd<Real>::lanes;
  const Real* const x = static_cast<const Real*>(from);
  Real* RESTRICT const sums = static_cast<Real*>(to);
  // Many long rows a few at a time, which are then read along: down all of them each step would be to another page.
  const std::size_t block = rows <= 32 || columns < 2 * most ? rows : 8;
  std::size_t i = 0;
  do {
    const std::size_t count = rows - i < block ? rows - i : block;
    std::size_t j = 0;
    for (; j + most <= columns; j += most) few_sums<most>(x + i * ld + j, ld, count, i > 0, sums + j);
    last_sums<most / 2>(x + i * ld + j, ld, count, columns - j, i > 0, sums + j);
    i += count;
  } while (i < rows);
}

template <class L> constexpr ReduceTable::LossRow loss_row() {
  constexpr bool labels = L::targets != TargetKind::numbers;
  return {{loss_rows<typename L::OfOutputs, labels, float>, loss_rows<typename L::OfOutputs, labels, double>},
          {loss_rows<typename L::OfLogits, labels, float>, loss_rows<typename L::OfLogits, labels, double>}};
}

template <class... AllLosses, class... AllAccuracies>
constexpr ReduceTable rows(TypeList<AllLosses...>, TypeList<AllAccuracies...>) {
  return {{loss_row<AllLosses>()...},
          {{accuracy_rows<AllAccuracies, float>, accuracy_rows<AllAccuracies, double>}...},
          {column_sums<float>, column_sums<double>}};
}

constexpr ReduceTable table = rows(Losses{}, Accuracies{});

}  // namespace

template <> const ReduceTable& reduce_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
