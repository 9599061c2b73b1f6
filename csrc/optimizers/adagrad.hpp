// Adagrad: a rate per weight that shrinks with the gradients seen.
#pragma once

#include <array>
#include <cstdint>

#include "core/describe.hpp"
#include "core/math.hpp"

namespace gs {

/// Duchi, Hazan & Singer 2011, JMLR 12:2121. Epsilon is inside the root and the sum starts above 0, as in Keras.
struct Adagrad {
  double learning_rate = 0.001, initial_accumulator_value = 0.1, epsilon = 1e-7;

  static constexpr const char* name = "Adagrad";
  static constexpr std::array slots{"accumulator"};
  static constexpr unsigned unsigned_slots = 0b1;
  static constexpr auto fields() {
    return std::array{
        Field<Adagrad>{"learning_rate", &Adagrad::learning_rate, "step size", 0, inf},
        Field<Adagrad>{"initial_accumulator_value", &Adagrad::initial_accumulator_value,
                       "value of the accumulator before the first step", 0, inf},
        Field<Adagrad>{"epsilon", &Adagrad::epsilon, "added inside the root, or to it", 0, inf},
    };
  }
  double start(std::size_t) const { return initial_accumulator_value; }

  template <class Real> struct Update {
    Real rate, inside, outside;  // the root
    HD void operator()(Real& w, Real g, Real& accumulator) const {
      accumulator += g * g;
      w -= rate * g / (root(accumulator + inside) + outside);
    }
  };
  template <class Real> Update<Real> at(std::int64_t) const { return {Real(learning_rate), Real(epsilon), 0}; }
};

/// Adagrad with epsilon outside the root, a start at 0 and a rate that may fall, as in PyTorch.
struct TorchAdagrad : Adagrad {
  TorchAdagrad() { learning_rate = 0.01, initial_accumulator_value = 0, epsilon = 1e-10; }
  double lr_decay = 0;

  static constexpr const char* name = "TorchAdagrad";
  static constexpr auto fields() {
    return extend<TorchAdagrad>(
        Adagrad::fields(), Field<TorchAdagrad>{"lr_decay", &TorchAdagrad::lr_decay, "how fast the rate falls", 0, inf});
  }
  template <class Real> Update<Real> at(std::int64_t t) const {
    return {Real(learning_rate / (1 + lr_decay * double(t - 1))), 0, Real(epsilon)};
  }
};

}  // namespace gs
