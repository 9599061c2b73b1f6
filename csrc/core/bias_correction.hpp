// What a running mean that began at 0 is divided by.
#pragma once

#include <cmath>
#include <cstdint>

#include "core/portable.hpp"

namespace gs {

/// 1 - beta^t, after t steps of which each keeps the share beta < 1 of the mean.
HD double bias_correction(double beta, std::int64_t t) {
  // beta^t <= exp(-t (1 - beta)), and a power below exp(-38) < 2^-54 is lost in the difference. The power itself takes
  // as long as a step of a small array.
  return double(t) * (1 - beta) > 38 ? 1 : 1 - std::pow(beta, double(t));
}

}  // namespace gs
