// Muon: momentum, made orthogonal. AdamW moves what is no matrix.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "core/describe.hpp"
#include "core/matrix.hpp"
#include "optimizers/adam.hpp"

namespace gs {

/// Jordan et al. 2024, kellerjordan.github.io/posts/muon; its scale is that of Liu et al. 2025, arXiv:2502.16982.
struct Muon {
  double learning_rate = 0.001, adam_beta_1 = 0.9, adam_beta_2 = 0.999, adam_weight_decay = 0.004, epsilon = 1e-7,
         weight_decay = 0.004, muon_a = 3.4445, muon_b = -4.7750, muon_c = 2.0315, adam_lr_ratio = 1, momentum = 0.95,
         ns_steps = 5, rms_rate = 0.2;

  static constexpr const char* name = "Muon";
  static constexpr std::array slots{"m", "v"};
  static constexpr bool common_decay = true;  // weight_decay means what Common's means
  static constexpr auto fields() {
    return std::array{
        Field<Muon>{"learning_rate", &Muon::learning_rate, "step size", 0, inf},
        Field<Muon>{"adam_beta_1", &Muon::adam_beta_1, "share of m kept, in AdamW", 0, 1, false, true},
        Field<Muon>{"adam_beta_2", &Muon::adam_beta_2, "share of v kept, in AdamW", 0, 1, false, true},
        Field<Muon>{"adam_weight_decay", &Muon::adam_weight_decay, "weight_decay, in AdamW", 0, inf},
        Field<Muon>{"epsilon", &Muon::epsilon, "added to the root of v, in AdamW", 0, inf},
        Field<Muon>{"weight_decay", &Muon::weight_decay, "share of a weight removed a step, times the rate", 0, inf},
        Field<Muon>{"muon_a", &Muon::muon_a, "factor of x in the polynomial", -inf, inf, true, true},
        Field<Muon>{"muon_b", &Muon::muon_b, "factor of its third power", -inf, inf, true, true},
        Field<Muon>{"muon_c", &Muon::muon_c, "factor of its fifth power", -inf, inf, true, true},
        Field<Muon>{"adam_lr_ratio", &Muon::adam_lr_ratio, "rate of AdamW over learning_rate", 0, inf},
        Field<Muon>{"momentum", &Muon::momentum, "share of m kept", 0, 1},
        Field<Muon>{"ns_steps", &Muon::ns_steps, "times the polynomial is taken; a fraction is dropped", 0, 100},
        Field<Muon>{"rms_rate", &Muon::rms_rate, "root mean square of a direction; infinite: as it comes", 0, inf,
                    false, false},
    };
  }

  Orthogonal orthogonal(double rows, double columns) const { return constants(scale(rows, columns, 1), true); }

  template <class Real> Adam::Update<Real> fallback(std::int64_t t) const {
    Adam adam;
    adam.learning_rate = learning_rate * adam_lr_ratio;
    adam.beta_1 = adam_beta_1;
    adam.beta_2 = adam_beta_2;
    adam.epsilon = epsilon;
    return adam.at<Real>(t);
  }
  double fallback_decay() const { return adam_weight_decay; }

 protected:
  double scale(double rows, double columns, double otherwise) const {
    return rms_rate == inf ? otherwise : rms_rate * std::sqrt(std::max(rows, columns));
  }
  Orthogonal constants(double scale, bool nesterov) const {
    return {momentum, 1,      nesterov ? 1. : 0., nesterov ? momentum : 1, 1e-7, 0, muon_a,
            muon_b,   muon_c, int(ns_steps),      learning_rate * scale};
  }
};

/// With plain momentum.
struct MuonHeavyBall : Muon {
  static constexpr const char* name = "MuonHeavyBall";
  static constexpr auto fields() { return extend<MuonHeavyBall>(Muon::fields()); }
  Orthogonal orthogonal(double rows, double columns) const { return constants(scale(rows, columns, 1), false); }
};

/// PyTorch's: m is a mean, epsilon a bound of the norm, and the scale Jordan's.
struct TorchMuon : Muon {
  TorchMuon() {
    weight_decay = 0.1;
    rms_rate = inf;
  }
  static constexpr const char* name = "TorchMuon";
  static constexpr auto fields() { return extend<TorchMuon>(Muon::fields()); }
  Orthogonal orthogonal(double rows, double columns) const { return torch_constants(rows, columns, true); }

 protected:
  Orthogonal torch_constants(double rows, double columns, bool nesterov) const {
    Orthogonal all = constants(scale(rows, columns, std::sqrt(std::max(1., rows / columns))), nesterov);
    all.take = 1 - momentum;
    if (nesterov) all.of_gradient = 1 - momentum;
    all.add = 0;
    all.least = epsilon;
    return all;
  }
};

/// The same with plain momentum.
struct TorchMuonHeavyBall : TorchMuon {
  static constexpr const char* name = "TorchMuonHeavyBall";
  static constexpr auto fields() { return extend<TorchMuonHeavyBall>(Muon::fields()); }
  Orthogonal orthogonal(double rows, double columns) const { return torch_constants(rows, columns, false); }
};

}  // namespace gs
