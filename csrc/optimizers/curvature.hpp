// What rules that find the curvature of layers have in common: momentum along a direction that is found
// beforehand (train/curvature/natural_step.hpp), and Adam for every other array.
#pragma once

#include <array>
#include <cstdint>

#include "core/describe.hpp"
#include "core/matrix.hpp"
#include "optimizers/adam.hpp"
#include "optimizers/sgd.hpp"

namespace gs {

struct CurvatureRule : Momentum {
  double damping = 0.01, kl_clip = 0.001, adam_lr_ratio = 0.01, adam_beta_1 = 0.9, adam_beta_2 = 0.999, epsilon = 1e-7;
  CurvatureRule() { learning_rate = 0.1; }

  static constexpr auto fields() {
    using Own = CurvatureRule;
    return extend<Own>(
        Momentum::fields(),
        Field<Own>{"damping", &Own::damping, "Tikhonov damping of the curvature", 0, inf, true, true},
        Field<Own>{"kl_clip", &Own::kl_clip, "largest size of a step, squared, in the curvature", 0, inf, true, false},
        Field<Own>{"adam_lr_ratio", &Own::adam_lr_ratio, "rate of Adam over learning_rate", 0, inf},
        Field<Own>{"adam_beta_1", &Own::adam_beta_1, "share of m kept, in Adam", 0, 1, false, true},
        Field<Own>{"adam_beta_2", &Own::adam_beta_2, "share of v kept, in Adam", 0, 1, false, true},
        Field<Own>{"epsilon", &Own::epsilon, "added to the root of v, in Adam", 0, inf});
  }

  template <class Real> Adam::Update<Real> fallback(std::int64_t t) const {
    Adam adam;
    adam.learning_rate = learning_rate * adam_lr_ratio;
    adam.beta_1 = adam_beta_1;
    adam.beta_2 = adam_beta_2;
    adam.epsilon = epsilon;
    return adam.at<Real>(t);
  }
};

}  // namespace gs
