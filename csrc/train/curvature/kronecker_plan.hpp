// K-FAC's products: factors of layers, and directions by their inverses.
#pragma once

#include <cstddef>
#include <deque>
#include <vector>

#include "train/curvature/curvature_plan.hpp"

namespace gs {

/// The state of a layer: a (inputs, inputs), mean of x x^T where x ends with 1 if there is a bias; g (outputs,
/// outputs), that of the gradients by the layer's sums; and their damped inverses.
template <class Real> struct KroneckerFactors {
  std::size_t number;  // of the kernel, among the trained weights
  std::size_t inputs, outputs;
  Real *a, *g, *a_inverse, *g_inverse;

  bool is_new() const { return a_inverse[0] == 0; }
};

/// The direction of a layer is a^-1 (x^T dz) g^-1, found as left right: either of left = a^-1 x^T, right = dz g^-1,
/// with a number for each row of the batch between them; or of left = a^-1 (x^T dz), right = g^-1, with one for each
/// output; whichever takes fewer multiplications. Nothing of a^-1 is read as vectors, whose rows lie at any address.
template <class Real> class KroneckerPlan : public CurvaturePlan<Real> {
 public:
  KroneckerPlan(const std::vector<CurvatureTap<Real>>& taps, bool drawn,
                const std::vector<KroneckerFactors<Real>>& factors);

  void learn(ThreadTeam& team, double keep, double scale) override;
  double prepare(ThreadTeam& team, bool measures) override;
  void finish(ThreadTeam& team, double factor) override;

 private:
  using typename CurvaturePlan<Real>::Layer;
  using CurvaturePlan<Real>::product, CurvaturePlan<Real>::product_of, CurvaturePlan<Real>::room;
  using CurvaturePlan<Real>::rows_of;
  /// x^T (inputs, rows) in panels.
  Real* add_panels(const Layer& layer);
  void add(const Layer& layer, const KroneckerFactors<Real>& factors);

  Stages<Real> factors_, parts_, products_, directions_;
  double keep_ = 0, take_g_ = 0;
  std::deque<double> take_a_;  // (layer)
  Real factor_ = 1;
  std::deque<std::vector<double>> sums_;  // (layer, tile)
};

}  // namespace gs
