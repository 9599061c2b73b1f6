// Loops over rows for every loss and accuracy; sums over columns.
#include "kernels/layers/reduce.hpp"

#include <cstdint>

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

template <class Form, bool labels, class Real>
void loss_rows(const double* settings, const void* const* targets, const void* outputs, std::size_t rows, std::size_t n,
               const double* scales, double* values, void* gradient) {
  const Form form = with_values<Form>(settings);
  const TargetRows<labels, Real> t{targets};
  const Real* y = static_cast<const Real*>(outputs);
  Real* dy = static_cast<Real*>(gradient);
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

template <class Real>
void column_sums(const void* from, std::size_t ld, std::size_t rows, std::size_t columns, void* to) {
  const Real* x = static_cast<const Real*>(from);
  Real* RESTRICT sums = static_cast<Real*>(to);
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
