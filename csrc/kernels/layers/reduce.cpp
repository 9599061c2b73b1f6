// Loops over rows for every loss and accuracy; sums over columns.
#include "kernels/layers/reduce.hpp"

#include <cstdint>
#include <type_traits>

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

/// The sums of `count` columns, which stay in registers.
template <std::size_t count, class Real>
HD void few_sums(const Real* x, std::size_t ld, std::size_t rows, Real* RESTRICT to) {
  typedef Real Sums __attribute__((vector_size(count * sizeof(Real)), aligned(sizeof(Real)), may_alias));
  Sums sums{};
  for (std::size_t i = 0; i < rows; ++i) sums += *reinterpret_cast<const Sums*>(x + i * ld);
  *reinterpret_cast<Sums*>(to) = sums;
}

template <class Real>
void column_sums(const void* from, std::size_t ld, std::size_t rows, std::size_t columns, void* to) {
  const Real* x = static_cast<const Real*>(from);
  Real* RESTRICT sums = static_cast<Real*>(to);
  constexpr std::size_t few = 32;
  if (columns < few) {
    std::size_t j = 0;
    for (; j + 16 <= columns; j += 16) few_sums<16>(x + j, ld, rows, sums + j);
    if (columns & 8) few_sums<8>(x + j, ld, rows, sums + j), j += 8;
    if (columns & 4) few_sums<4>(x + j, ld, rows, sums + j), j += 4;
    if (columns & 2) few_sums<2>(x + j, ld, rows, sums + j), j += 2;
    if (columns & 1) few_sums<1>(x + j, ld, rows, sums + j);
    return;
  }
  for (std::size_t j = 0; j < columns; ++j) sums[j] = 0;
  for (std::size_t i = 0; i < rows; ++i) {
#pragma omp simd
    for (std::size_t j = 0; j < columns; ++j) sums[j] += x[i * ld + j];
  }
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
