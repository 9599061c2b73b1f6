// The diagonal of the Fisher information of Dense layers, and directions by it.
#pragma once

#include <cstddef>
#include <deque>
#include <vector>

#include "train/curvature/curvature_plan.hpp"

namespace gs {

/// v: the mean over samples of the squared gradient of each weight. Where a sample is one row of the layer that is
/// (x^2)^T dz^2; of a sample of several rows, each counts on its own. The direction is g / (v + damping).
template <class Real> class DiagonalPlan : public CurvaturePlan<Real> {
 public:
  /// slot: of v, in the state of each weight; damping is read in each step.
  DiagonalPlan(const std::vector<CurvatureTap<Real>>& taps, bool drawn, std::size_t slot, const double& damping);

  void learn(ThreadTeam& team, double keep, double scale) override;
  double prepare(ThreadTeam& team, bool measures) override;
  void finish(ThreadTeam& team, double factor) override;

 private:
  using typename CurvaturePlan<Real>::Layer;
  using CurvaturePlan<Real>::product, CurvaturePlan<Real>::room, CurvaturePlan<Real>::rows_of;
  void add(const Layer& layer, std::size_t slot, const double& damping);
  /// The weight's v and direction, of `rows` rows of n numbers, from row `first` of x on.
  void add(const Layer& layer, const Weight<Real>& weight, const void* const* squares, const Real* others, Real* room,
           std::size_t first, std::size_t rows, std::size_t slot, const double& damping);

  Stages<Real> squares_, gradients_, directions_;
  double keep_ = 0, take_ = 0, factor_ = 1;
  std::deque<std::vector<double>> sums_;  // (weight, part)
};

}  // namespace gs
