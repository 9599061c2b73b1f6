// The hyperparameters that every optimizer has, whatever its rule: what is done to gradients before it, and to weights.
#pragma once

#include <array>

#include "core/describe.hpp"

namespace gs {

/// Those of Keras's base class; each start is the neutral value. A rule with a field of the same name means its own.
struct Common {
  double weight_decay = 0, clipnorm = inf, clipvalue = inf, global_clipnorm = inf, ema_momentum = 0.99,
         loss_scale_factor = 1;

  static constexpr auto fields() {
    return std::array{
        Field<Common>{"weight_decay", &Common::weight_decay, "share of a weight removed a step, times the rate", 0,
                      inf},
        Field<Common>{"clipnorm", &Common::clipnorm, "largest norm of one gradient", 0, inf, true, false},
        Field<Common>{"clipvalue", &Common::clipvalue, "largest size of a number in a gradient", 0, inf, true, false},
        Field<Common>{"global_clipnorm", &Common::global_clipnorm, "largest norm of all gradients together", 0, inf,
                      true, false},
        Field<Common>{"ema_momentum", &Common::ema_momentum, "share of the average of weights kept", 0, 1, false,
                      false},
        Field<Common>{"loss_scale_factor", &Common::loss_scale_factor, "what gradients are divided by", 0, inf, true,
                      true},
    };
  }
};

}  // namespace gs
