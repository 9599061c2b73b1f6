// AdamW: Adam with decoupled weight decay.
#pragma once

#include "optimizers/adam.hpp"

namespace gs {

/// Base with weight decay that is on from the start. What decays a weight is the same for every rule: the loop itself.
template <class Base, class Self> struct Decayed : Base {
  double weight_decay = 0.004;
  static constexpr bool common_decay = true;  // the field means what Common's means
  static constexpr auto fields() {
    return extend<Self>(Base::fields(), Field<Self>{"weight_decay", &Self::weight_decay,
                                                    "share of a weight removed a step, times the rate", 0, inf});
  }
};

/// Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2; the decay is times the learning rate, as in Keras.
struct AdamW : Decayed<Adam, AdamW> {
  static constexpr const char* name = "AdamW";
};

/// AdamW with the largest v so far in place of v, as AMSGrad.
struct AMSGradW : Decayed<AMSGrad, AMSGradW> {
  static constexpr const char* name = "AMSGradW";
};

/// The same two with PyTorch's epsilon and its decay.
struct TorchAdamW : Decayed<TorchAdam, TorchAdamW> {
  TorchAdamW() { weight_decay = 0.01; }
  static constexpr const char* name = "TorchAdamW";
};
struct TorchAMSGradW : Decayed<TorchAMSGrad, TorchAMSGradW> {
  TorchAMSGradW() { weight_decay = 0.01; }
  static constexpr const char* name = "TorchAMSGradW";
};

}  // namespace gs
