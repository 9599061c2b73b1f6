// K-FAC: natural gradient by Kronecker factors, for Dense layers and convolutions.
#pragma once

#include "optimizers/curvature.hpp"

namespace gs {

/// Martens & Grosse 2015, arXiv:1503.05671; the bound of a step is that of Ba, Grosse & Martens 2017.
struct KFAC : CurvatureRule {
  double factor_decay = 0.95, factor_period = 10, inverse_period = 20;

  static constexpr const char* name = "KFAC";
  static constexpr std::array slots{"m", "v", "a", "g", "a_inverse", "g_inverse"};
  static constexpr auto fields() {
    return extend<KFAC>(
        CurvatureRule::fields(),
        Field<KFAC>{"factor_decay", &KFAC::factor_decay, "share of the factors kept", 0, 1, false, true},
        Field<KFAC>{"factor_period", &KFAC::factor_period, "steps from one batch in the factors to the next", 1, inf},
        Field<KFAC>{"inverse_period", &KFAC::inverse_period, "steps from one inverse to the next", 1, inf});
  }

  Curvature curvature() const { return constants(true); }

 protected:
  Curvature constants(bool sampled) const {
    return {damping, kl_clip, factor_decay, std::int64_t(factor_period), std::int64_t(inverse_period), sampled, false};
  }
};

/// With the curvature of the gradients of the data.
struct KFACEmpirical : KFAC {
  static constexpr const char* name = "KFACEmpirical";
  static constexpr auto fields() { return extend<KFACEmpirical>(KFAC::fields()); }
  Curvature curvature() const { return constants(false); }
};

}  // namespace gs
