// AdamW: Adam with decoupled weight decay.
#pragma once

#include "optimizers/adam.hpp"

namespace gs {

/// Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2; the decay is times the learning rate, as in Keras.
struct AdamW : Adam {
  double weight_decay = 0.004;

  static constexpr const char* name = "AdamW";
  static constexpr auto fields() {
    return extend<AdamW>(Adam::fields(), Field<AdamW>{"weight_decay", &AdamW::weight_decay,
                                                      "share of a weight removed a step, times the rate", 0, inf});
  }

  template <class Real> struct Update {
    Real keep;
    Adam::Update<Real> adam;
    HD void operator()(Real& w, Real g, Real& m, Real& v) const {
      w *= keep;
      adam(w, g, m, v);
    }
  };
  template <class Real> Update<Real> at(std::int64_t t) const {
    return {Real(1 - learning_rate * weight_decay), Adam::at<Real>(t)};
  }
};

/// AdamW with the largest v so far in place of v, as AMSGrad.
struct AMSGradW : AMSGrad {
  double weight_decay = 0.004;

  static constexpr const char* name = "AMSGradW";
  static constexpr auto fields() {
    return extend<AMSGradW>(AMSGrad::fields(),
                            Field<AMSGradW>{"weight_decay", &AMSGradW::weight_decay,
                                            "share of a weight removed a step, times the rate", 0, inf});
  }

  template <class Real> struct Update {
    Real keep;
    AMSGrad::Update<Real> amsgrad;
    HD void operator()(Real& w, Real g, Real& m, Real& v, Real& v_hat) const {
      w *= keep;
      amsgrad(w, g, m, v, v_hat);
    }
  };
  template <class Real> Update<Real> at(std::int64_t t) const {
    return {Real(1 - learning_rate * weight_decay), AMSGrad::at<Real>(t)};
  }
};

}  // namespace gs
