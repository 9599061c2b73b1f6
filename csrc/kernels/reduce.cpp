// Loops over rows for every loss and accuracy; sums over columns.
#include "kernels/reduce.hpp"

#include <cstdint>

namespace gs {
namespace {

template <bool labels, class Real> HD auto target(const void* at) {
  if constexpr (labels)
    return Label<Real>{*static_cast<const std::int64_t*>(at)};
  else
    return Values<Real>{static_cast<const Real*>(at)};
}

template <class Form, bool labels, class Real>
void loss_rows(const void* const* targets, const void* outputs, std::size_t rows, std::size_t n, double scale,
               double* values, void* slopes) {
  const Real* y = static_cast<const Real*>(outputs);
  Real* dy = static_cast<Real*>(slopes);
  for (std::size_t i = 0; i < rows; ++i)
    values[i] = Form::row(target<labels, Real>(targets[i]), y + i * n, n, Real(scale), dy ? dy + i * n : nullptr);
}

template <class Accuracy, class Real>
void accuracy_rows(const void* const* targets, const void* outputs, std::size_t rows, std::size_t n, double* values) {
  const Real* y = static_cast<const Real*>(outputs);
  for (std::size_t i = 0; i < rows; ++i)
    values[i] = Accuracy::Score::row(target<Accuracy::labels, Real>(targets[i]), y + i * n, n);
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
  return {{loss_rows<typename L::OfOutputs, L::labels, float>, loss_rows<typename L::OfOutputs, L::labels, double>},
          {loss_rows<typename L::OfLogits, L::labels, float>, loss_rows<typename L::OfLogits, L::labels, double>}};
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
