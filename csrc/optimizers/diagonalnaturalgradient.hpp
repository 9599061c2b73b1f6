// Natural gradient with the diagonal of the Fisher information, for Dense layers.
#pragma once

#include "optimizers/curvature.hpp"

namespace gs {

/// Amari 1998, doi:10.1162/089976698300017746; with the diagonal alone, Becker & LeCun 1988.
struct DiagonalNaturalGradient : CurvatureRule {
  double fisher_decay = 0.95, fisher_period = 1;
  DiagonalNaturalGradient() {
    learning_rate = 0.01;
    adam_lr_ratio = 0.1;
  }

  static constexpr const char* name = "DiagonalNaturalGradient";
  static constexpr std::array slots{"m", "v"};
  static constexpr auto fields() {
    using Own = DiagonalNaturalGradient;
    return extend<Own>(
        CurvatureRule::fields(),
        Field<Own>{"fisher_decay", &Own::fisher_decay, "share of the Fisher information kept", 0, 1, false, true},
        Field<Own>{"fisher_period", &Own::fisher_period, "steps from one batch in it to the next", 1, inf});
  }

  Curvature curvature() const { return constants(true); }

 protected:
  Curvature constants(bool sampled) const {
    return {damping, kl_clip, fisher_decay, std::int64_t(fisher_period), 1, sampled, true};
  }
};

/// With that of the gradients of the data.
struct DiagonalNaturalGradientEmpirical : DiagonalNaturalGradient {
  static constexpr const char* name = "DiagonalNaturalGradientEmpirical";
  static constexpr auto fields() { return extend<DiagonalNaturalGradientEmpirical>(DiagonalNaturalGradient::fields()); }
  Curvature curvature() const { return constants(false); }
};

}  // namespace gs
