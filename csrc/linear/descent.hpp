// Stochastic gradient descent of a linear model: one row after the other, as scikit-learn's SGD goes, where the same
// rows in the same order give the same weights; or a batch of rows at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "kernels/linear/linear.hpp"
#include "linear/design.hpp"
#include "linear/point_losses.hpp"
#include "runtime/buffer.hpp"
#include "runtime/threads.hpp"

namespace gs {

/// How the step length follows from the step t, from 1; or, for the passive-aggressive ones, from the loss of the row.
/// Crammer et al. 2006, JMLR 7.
enum class StepLength { constant, optimal, invscaling, adaptive, pa1, pa2 };
inline constexpr const char* step_lengths[] = {"constant", "optimal", "invscaling", "adaptive", "pa1", "pa2"};

struct DescentSettings {
  const PointLoss* loss = nullptr;
  double loss_setting = 1;
  bool penalized = false;
  double alpha = 1e-4, l1_ratio = 0;  // l1_ratio: the share of the penalty that is l1's
  StepLength length = StepLength::optimal;
  double eta0 = 0.01, power_t = 0.5;
  bool fit_intercept = true, one_class = false;
  double intercept_share = 1;  // of a step along a row that the intercept takes
  double positive_weight = 1, negative_weight = 1;
  double average_from = 0;     // the step t from which the weights are averaged; 0 for never
  bool sums_objective = true;  // whether objective() will be asked for
};

/// A matrix, and of its rows y and sample_weight (rows); left_out (rows) or null: rows that are not trained on.
template <class Real> struct LinearRows : Design<Real> {
  const Real *y = nullptr, *sample_weight = nullptr;
  const std::uint8_t* left_out = nullptr;
};

/// What steps in place of the rule of the settings: step() moves w and *intercept by the gradients, which are those of
/// the mean loss of a batch and of the penalty.
template <class Real> struct OutsideStep {
  Real *gradient, *intercept, *intercept_gradient;  // gradient (columns)
  std::function<void()> step;
};

template <class Real> class LinearDescent {
 public:
  /// w (columns), average (columns) or null: they are moved in place.
  LinearDescent(const LinearRows<Real>& rows, const DescentSettings& settings, Real* w, Real* average);

  /// A new epoch: the sums of the last are forgotten.
  void begin() {
    losses_ = {};
    penalties_ = 0;
  }
  /// Shuffles the order of the rows, which goes on from epoch to epoch.
  void shuffle(std::uint32_t seed);
  /// Steps along `count` rows of the order from `first` on. Throws std::out_of_range if a column of a row is not one.
  void run(std::int64_t first, std::int64_t count);
  /// The same of several models, with the same bits. Each step waits for the one before it of its model: where they
  /// take turns, the processor has other steps to do meanwhile.
  static void run_side_by_side(const std::vector<LinearDescent*>& all, std::int64_t first, std::int64_t count);
  /// One epoch of steps by the mean gradient of `batch` rows each, the last of what is left. Same bits for any number
  /// of threads. outside: null for the rule of the settings. Throws as `run`, and Cancelled between two steps.
  void run_batches(std::int64_t batch, const OutsideStep<Real>* outside);
  /// Makes w and the average what they are: those of sparse rows are kept divided by a scale meanwhile.
  void settle();

  double intercept = 0, average_intercept = 0;
  double t = 1, eta;  // the next step, and its length where that is constant for an epoch
  /// Sums over the rows of the epoch, each before its step: of the losses; and of the penalties too, if they are
  /// summed.
  double loss() const { return losses_.value(); }
  double objective() const { return loss() + penalties_; }

 private:
  struct Step;
  /// Where a run over dense rows in pairs is: the next two rows, which are not there from `last` on, and their sums.
  struct Pairs {
    TwoSteps<Real> work{};
    TwoSums sums{};
    PairSums pair{};
    std::int64_t here, after, last;
  };
  /// Of the rows of a chunk: their losses, and the sum of their slopes; whether all could be read.
  struct Chunk {
    LossSum losses;
    double slopes;
    bool good;
  };
  double length_at(double t) const;
  void watch(double rows, double before);
  double weight_of(std::int64_t row) const;
  void next_step(Step& step) const;
  bool plan(std::int64_t row, double p, Step& step);
  bool plan_aggressive(std::int64_t row, const LossAtPoint& at, Step& step) const;
  void finish(const Step& step, double along, double share);
  double step_dense(const Step& step, DenseStep<Real>& work);
  std::int64_t next_of(std::int64_t at, std::int64_t last);
  const Real* row_at(std::int64_t at) const;
  const Real* fetch_dense(std::int64_t at) const;
  void run_dense(std::int64_t first, std::int64_t last);
  void begin_dense();
  void end_dense();
  Pairs begin_pairs(std::int64_t first, std::int64_t last);
  void step_pair(TwoSteps<Real>& work, TwoSums& sums, PairSums& pair, std::int64_t& here, std::int64_t& after,
                 std::int64_t last);
  void run_truncated(std::int64_t first, std::int64_t last);
  void run_sparse(std::int64_t first, std::int64_t last);
  bool sparse_row(std::int64_t row, SparseRow<Real>& found) const;
  template <int cache> void fetch_target(std::int64_t row) const;
  template <int cache> void fetch_row(std::int64_t row) const;
  double squared_norm(std::int64_t row) const;
  bool trains(std::int64_t row) const { return !rows_.left_out || !rows_.left_out[row]; }
  void add_rows(const std::int32_t* rows, std::size_t count, Chunk& chunk, Real* gradient) const;
  double gradient_of(const std::vector<std::int32_t>& rows, std::size_t chunk_rows, ThreadTeam& team);
  void step_by_gradient(double intercept_slope, double rows);
  void step_outside(double intercept_slope, double rows, const OutsideStep<Real>& outside);

  const LinearRows<Real> rows_;
  const DescentSettings settings_;
  const bool is_far_;              // whether rows are asked for ahead: caches do not hold them all
  const double class_weights_[2];  // of the negative class and of the positive one
  Real *const w_, *const average_;
  std::vector<std::int32_t> order_, before_;  // of this epoch and, once it is shuffled, of the last one
  std::vector<std::int32_t> swapped_;         // where a shuffle takes each place's row from; empty: not known yet
  std::uint32_t swapped_by_ = 0;              // its seed
  Buffer<Real> received_;                     // the l1 penalty of each weight
  Buffer<Real> aligned_w_, aligned_average_;  // of dense rows, while they move them: arrays begin anywhere
  double total_ = 0;                          // and what each could have received
  double first_length_ = 0;                   // of the schedule "optimal"
  LossSum losses_;                            // of the epoch
  double penalties_ = 0;                      // and the sum of the penalties
  double squares_, magnitudes_;               // norms of the weights, as scikit-learn follows them
  double scale_ = 1;                          // w = scale * what is stored
  double shrunk_ = 1;                         // what the scale of dense rows would be
  double share_ = 0;                          // of w in the average: what a truncation changes of that too
  double average_a_ = 0, average_b_ = 1;      // the average is (stored average + a w) / b. Bottou 2012
  std::vector<Chunk> chunks_;                 // of a batch
  std::vector<Real> gradients_;               // (chunk, columns); the first becomes their sum
};

}  // namespace gs
