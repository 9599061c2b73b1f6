// Adafactor: the second moment of a matrix as means over its rows and columns, steps in units of the weights.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "core/describe.hpp"
#include "core/matrix.hpp"

namespace gs {

/// Shazeer & Stern 2018, arXiv:1804.04235, algorithms 4 and 5, with Keras's fixed first rate.
struct Adafactor {
  double learning_rate = 0.001, beta_2_decay = -0.8, epsilon_1 = 1e-30, epsilon_2 = 1e-3, clip_threshold = 1;

  static constexpr const char* name = "Adafactor";
  static constexpr std::array slots{"row", "column"};
  static constexpr auto fields() {
    return std::array{
        Field<Adafactor>{"learning_rate", &Adafactor::learning_rate, "step size, in units of the weights", 0, inf},
        Field<Adafactor>{"beta_2_decay", &Adafactor::beta_2_decay, "power of t: share of the new squares", -inf, 0,
                         true, false},
        Field<Adafactor>{"epsilon_1", &Adafactor::epsilon_1, "added to the squares", 0, inf},
        Field<Adafactor>{"epsilon_2", &Adafactor::epsilon_2, "least size of weights that steps count with", 0, inf},
        Field<Adafactor>{"clip_threshold", &Adafactor::clip_threshold, "largest root mean square of a direction", 0,
                         inf, true, true},
    };
  }

  Factored factored(std::int64_t t, double) const { return constants(t, bounded(t), epsilon_1, 0, 0, true); }

 protected:
  double bounded(std::int64_t t) const { return std::min(learning_rate, 1 / std::sqrt(double(t))); }
  Factored constants(std::int64_t t, double rate, double add, double least_mean, double least, bool decayed) const {
    return {std::pow(double(t), beta_2_decay), add, least_mean, least, rate, epsilon_2, clip_threshold, decayed};
  }
};

/// With a rate that nothing bounds.
struct AdafactorFreeRate : Adafactor {
  static constexpr const char* name = "AdafactorFreeRate";
  static constexpr auto fields() { return extend<AdafactorFreeRate>(Adafactor::fields()); }
  Factored factored(std::int64_t t, double) const { return constants(t, learning_rate, epsilon_1, 0, 0, true); }
};

/// PyTorch's: epsilon_1 is a bound and not added; infinite, it is the precision of the type.
struct TorchAdafactor : Adafactor {
  TorchAdafactor() {
    learning_rate = 0.01;
    epsilon_1 = inf;
  }
  static constexpr const char* name = "TorchAdafactor";
  static constexpr auto fields() {
    auto all = extend<TorchAdafactor>(Adafactor::fields());
    all[2].doc = "least mean of row, and root of the least second moment";
    all[2].high_open = false;
    return all;
  }
  Factored factored(std::int64_t t, double precision) const {
    const double least = epsilon_1 == inf ? precision : epsilon_1;
    return constants(t, bounded(t), 0, least, least * least, false);
  }
};

}  // namespace gs
