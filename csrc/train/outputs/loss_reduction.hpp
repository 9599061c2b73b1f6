// How the losses of rows become one number.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gs {

enum class Reduction {
  mean,  // over the rows that count
  sum,
  mean_of_weights,  // the sum over that of the weights
};

/// The loss of a batch is factor times the sum of weight(i) values[i], divided by divisor().
struct LossReduction {
  Reduction reduction = Reduction::mean;
  std::size_t rows = 0;
  const double* weights = nullptr;     // (rows), or null: each 1
  const std::uint8_t* mask = nullptr;  // (rows): whether a row counts; or null: all do
  double factor = 1;

  bool counts(std::size_t i) const { return !mask || mask[i]; }
  double weight(std::size_t i) const { return counts(i) ? (weights ? weights[i] : 1.0) : 0.0; }
  double divisor() const {
    if (reduction == Reduction::sum) return 1;
    if (reduction == Reduction::mean && !mask) return double(rows);
    double sum = 0;
    for (std::size_t i = 0; i < rows; ++i) sum += reduction == Reduction::mean ? double(mask[i] != 0) : weight(i);
    return sum;
  }

  /// to (rows): the gradient of the batch's loss by each row's. All 0 where the divisor is.
  void gradient_scales(double* to) const {
    const double whole = divisor(), each = whole != 0 ? factor / whole : 0;
    for (std::size_t i = 0; i < rows; ++i) to[i] = weight(i) * each;
  }
  double loss(const double* values) const { return total(values) / double(rows); }
  /// rows times the loss: what the batch adds to a sum over rows. To the bit the sum of values that are averaged.
  double total(const double* values) const { return factor * own_total(values); }
  /// The same without the factor.
  double own_total(const double* values) const {
    const double whole = divisor();
    double sum = 0;
    for (std::size_t i = 0; i < rows; ++i) sum += weight(i) * values[i];
    return whole != 0 ? sum * (double(rows) / whole) : 0;
  }
};

}  // namespace gs
