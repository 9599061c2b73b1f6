// Rprop: a step size per weight that grows while the sign of the gradient stays.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/describe.hpp"
#include "core/math.hpp"

namespace gs {

/// Riedmiller & Braun 1993, doi:10.1109/ICNN.1993.298623; after a turn the weight rests for one step, as in PyTorch.
struct Rprop {
  double learning_rate = 0.01, eta_minus = 0.5, eta_plus = 1.2, step_size_min = 1e-6, step_size_max = 50;

  static constexpr const char* name = "Rprop";
  static constexpr std::array slots{"previous", "step_size"};
  static constexpr unsigned unsigned_slots = 0b10;
  static constexpr auto fields() {
    return std::array{
        Field<Rprop>{"learning_rate", &Rprop::learning_rate, "step size of every weight before the first step", 0, inf},
        Field<Rprop>{"eta_minus", &Rprop::eta_minus, "factor of the step size after a turn", 0, 1, true, true},
        Field<Rprop>{"eta_plus", &Rprop::eta_plus, "factor of the step size while the sign stays", 1, inf, true, true},
        Field<Rprop>{"step_size_min", &Rprop::step_size_min, "smallest step size", 0, inf},
        Field<Rprop>{"step_size_max", &Rprop::step_size_max, "largest step size", 0, inf},
    };
  }
  double start(std::size_t slot) const { return slot == 1 ? learning_rate : 0; }

  template <class Real> struct Update {
    Real minus, plus, low, high;
    HD void operator()(Real& w, Real g, Real& previous, Real& step_size) const {
      const Real way = sign(g), turn = way * previous;
      const Real factor = turn > 0 ? plus : turn < 0 ? minus : Real(1);
      step_size = at_most(at_least(step_size * factor, low), high);
      previous = turn < 0 ? Real(0) : g;
      w -= (turn < 0 ? Real(0) : way) * step_size;
    }
  };
  template <class Real> Update<Real> at(std::int64_t) const {
    return {Real(eta_minus), Real(eta_plus), Real(step_size_min), Real(step_size_max)};
  }
};

}  // namespace gs
