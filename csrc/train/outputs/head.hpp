// An output of a network, and how its rows are scored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "graph/schedule.hpp"
#include "train/curvature/curvature.hpp"
#include "train/curvature/fisher.hpp"
#include "train/outputs/scores.hpp"

namespace gs {

template <class Real> class Head {
 public:
  /// A sample has `parts` rows that are scored one by one, of n numbers each.
  Head(const Scoring& scoring, std::size_t batch, std::size_t parts, std::size_t n);

  /// Adds the scoring of y. of_logits: whether y is before the activation that the loss contains; then outputs is where
  /// what it gives is to lie. dy: where the gradient of the loss is to lie, or none. mask: 0 where rows are not scored,
  /// one number for each, or for equally many of a sample; without memory: all are. slopes: what is to lie in dy;
  /// direction: that of y, for Slopes::curvature; without memory: it stands still.
  void schedule(Schedule<Real>& schedule, Matrix<Real> y, bool of_logits, Matrix<Real> outputs, Matrix<Real> dy,
                Matrix<Real> mask = {}, Slopes slopes = Slopes::loss, Matrix<Real> direction = {});

  /// Sample weights and mask of the rows as set; null: each 1, all. The arrays are read while this runs.
  void set_sample_weights(const double* weights, const std::uint8_t* mask);
  bool has_loss() const { return loss_.info; }
  /// What its loss adds to that of the network, times the samples, and the same without the factor of the loss; after a
  /// run.
  struct LossTotals {
    double total, own;
  };
  LossTotals totals() const {
    const double own = reduction_.own_total(values[0].data());
    return {reduction_.factor * own / double(parts), own / double(parts)};
  }
  double loss() const { return reduction_.loss(values[0].data()); }
  /// (rows): the gradient of the loss of the batch by that of each row.
  const std::vector<double>& gradient_scales() const { return scales_; }
  /// What the sum of the losses was divided by.
  double divisor() const { return reduction_.divisor(); }

  /// dy of rows [draw.first, draw.first + count) at targets that are drawn: see train/curvature/fisher.hpp. After a
  /// forward pass.
  void draw_gradient(const TargetDraw& draw, std::size_t count) {
    const std::size_t at = draw.first * n;
    gs::draw_gradient(loss_, y_ + at, count, n, scales_.data() + draw.first, draw, dy + at);
  }

  /// Adds to a sum over samples what the batch's are by metric m.
  void add_metric(std::size_t m, double& total) const {
    for (std::size_t i = 0; i < rows; ++i)
      if (mask_.empty() || mask_[i]) total += values[m + 1][i] / double(parts);
  }
  /// How many samples that sum is over: parts of them where rows are masked.
  double counted() const;
  /// Which rows the value's mask counts, after a run; empty: all.
  const std::vector<std::uint8_t>& mask() const { return mask_; }
  std::size_t metrics() const { return metrics_.size(); }

  const std::size_t parts, rows, n;
  // Where there is a loss or a metric:
  std::vector<const void*> targets;         // (rows): to a row of numbers, or one label
  std::vector<std::vector<double>> values;  // (loss and metrics, rows)
  Real* outputs = nullptr;                  // (rows, n)
  Real* dy = nullptr;                       // (rows, n); null without a backward pass

 private:
  /// Random signs for rows [first, first + count) -> to (count, n), the same in every pass of the same number.
  static void draw_signs(const Schedule<Real>& schedule, std::size_t parts, std::size_t first, std::size_t count,
                         std::size_t n, Real* to);

  LossUse loss_;
  const Real* y_ = nullptr;  // (rows, n), as the loss reads it
  const std::vector<const ScoreInfo*> metrics_;
  const bool wanted_;                 // whether the caller reads the outputs
  LossReduction given_, reduction_;   // what rows count for: as given, and as the loss then sees it
  std::vector<double> scales_;        // (rows): gradient of the batch's loss by each row's
  std::vector<std::uint8_t> counts_;  // (rows), of a loss that is only_positive
  std::vector<std::uint8_t> mask_;    // (rows), made in each run; empty without a mask
  std::vector<std::uint8_t> both_;    // (rows), with the mask that was given
  const std::uint8_t* given_mask_ = nullptr;
};

}  // namespace gs
