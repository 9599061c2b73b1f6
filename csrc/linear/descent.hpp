// Stochastic gradient descent of a linear model, one row after the other, as scikit-learn's SGD goes: the same rows in
// the same order give the same weights.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/linear.hpp"
#include "linear/point_losses.hpp"

namespace gs {

/// How the step length follows from the step t, from 1; or, for the passive-aggressive ones, from the loss of the row.
/// Crammer et al. 2006, JMLR 7.
enum class StepLength { constant, optimal, invscaling, adaptive, pa1, pa2 };

struct DescentSettings {
  const PointLoss* loss = nullptr;
  double loss_at = 1;  // the margin of a hinge, the width of an epsilon-insensitive loss or of Huber's
  bool penalized = false;
  double alpha = 1e-4, l1_ratio = 0;  // l1_ratio: the share of the penalty that is l1's
  StepLength length = StepLength::optimal;
  double eta0 = 0.01, power_t = 0.5;
  bool fit_intercept = true, one_class = false;
  double intercept_share = 1;  // of a step that the intercept takes
  double positive_weight = 1, negative_weight = 1;
  double average_from = 0;  // the step t from which the weights are averaged; 0 for never
  bool watch_objective = false;
};

/// x (rows, columns): dense, or in compressed rows where `starts` is given. y, sample_weight (rows); left_out (rows) or
/// null: rows that are not trained on.
template <class Real> struct LinearRows {
  std::int64_t rows, columns;
  const Real* x;
  const std::int32_t *where = nullptr, *starts = nullptr;
  std::int64_t stored = 0;  // numbers that x and where hold
  const Real *y, *sample_weight;
  const std::uint8_t* left_out = nullptr;
};

template <class Real> class LinearDescent {
 public:
  /// w (columns), average (columns) or null: they are moved in place.
  LinearDescent(const LinearRows<Real>& rows, const DescentSettings& settings, Real* w, Real* average);

  /// A new epoch: the sums of the last are forgotten.
  void begin() { loss = objective = 0; }
  /// Shuffles the order of the rows, which goes on from epoch to epoch.
  void shuffle(std::uint32_t seed);
  /// Steps along `count` rows of the order from `first` on. Throws std::out_of_range if a column of a row is not one.
  void run(std::int64_t first, std::int64_t count);
  /// Makes w and the average what they are: those of sparse rows are kept divided by a scale meanwhile.
  void settle();

  double intercept = 0, average_intercept = 0;
  double t = 1, eta;  // the next step, and its length where that is constant for an epoch
  double loss = 0, objective = 0;

 private:
  struct Step;
  double length_at(double t) const;
  void watch(double loss_here);
  bool plan(std::int64_t row, double p, Step& step);
  void finish(const Step& step);
  void run_dense(std::int64_t first, std::int64_t last);
  void run_sparse(std::int64_t first, std::int64_t last);
  SparseRow<Real> sparse_row(std::int64_t row) const;
  double squared_norm(std::int64_t row) const;
  bool trains(std::int64_t row) const { return !rows_.left_out || !rows_.left_out[row]; }

  const LinearRows<Real> rows_;
  const DescentSettings settings_;
  Real *const w_, *const average_;
  std::vector<std::int32_t> order_;
  std::vector<Real> received_;            // the l1 penalty of each weight
  double total_ = 0;                      // and what each could have received
  double first_length_ = 0;               // of the schedule "optimal"
  double squares_, magnitudes_;           // norms of the weights, as scikit-learn follows them
  double scale_ = 1;                      // w = scale * what is stored
  double share_ = 0;                      // of w in the average: what a truncation changes of that too
  double average_a_ = 0, average_b_ = 1;  // the average is (stored average + a w) / b. Bottou 2012
};

}  // namespace gs
