// The third concept of a rule: one that sees an array as matrices, its last two axes, and not element by element.
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

namespace gs {

/// The constants of a step along the gradient over the root of its second moment v, which is kept as means over rows
/// and over columns: v = row column / mean of row. Arrays of fewer than two axes are one row, so column is all of v.
struct Factored {
  double share;             // of the new squares in the means
  double add;               // to the squares
  double least_mean;        // of row, where v is divided by it
  double least;             // of v
  double rate, least_size;  // a step is rate max(least_size, root mean square of w)
  double clip;              // largest root mean square of what the rate multiplies
  bool decayed;             // whether that of w is taken after its decay
};

/// Such a rule gives its name, fields and
///   factored(t, precision): its constants; precision: the smallest number that makes a difference to 1
template <class Rule, class = void> constexpr bool is_factored = false;
template <class Rule>
constexpr bool is_factored<Rule, std::void_t<decltype(std::declval<Rule>().factored(1, 1.0))>> = true;

/// The constants of a step along a momentum m made orthogonal: x = of_gradient g + of_momentum m, over its norm, goes
/// `times` times through the polynomial a x + b x^3 + c x^5 of its singular values.
struct Orthogonal {
  double decay, take;  // m = decay m + take g
  double of_gradient, of_momentum;
  double add, least;  // to the norm; of the norm
  double a, b, c;
  int times;
  double rate;
};

/// Such a rule gives its name, fields and
///   orthogonal(rows, columns): its constants
///   fallback<Real>(t), fallback_decay(): Adam's constants and the weight decay for vectors
template <class Rule, class = void> constexpr bool is_orthogonal = false;
template <class Rule>
constexpr bool is_orthogonal<Rule, std::void_t<decltype(std::declval<Rule>().orthogonal(1.0, 1.0))>> = true;

/// The constants of a step along the natural gradient of Dense layers: see train/curvature/natural_step.hpp.
struct Curvature {
  double damping, clip, decay;
  std::int64_t factor_period, inverse_period;  // steps
  bool sampled;                                // from targets that the model's own outputs give, or from the data's
  bool diagonal;                               // of each weight on its own, not in factors of layers
};

/// Such a rule gives its name, fields, what a momentum has (at<Real>(t), of which `Momentum`'s loop is the sweep) and
///   curvature(): its constants
///   fallback<Real>(t): Adam's constants for every other array
template <class Rule, class = void> constexpr bool has_curvature = false;
template <class Rule>
constexpr bool has_curvature<Rule, std::void_t<decltype(std::declval<Rule>().curvature())>> = true;

}  // namespace gs
