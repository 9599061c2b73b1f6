// The second concept of a rule: one that needs sums over all elements, of a norm mostly, before it moves the first.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include "core/portable.hpp"

namespace gs {

HD double square(double x) { return x * x; }

inline constexpr std::size_t max_sums = 4, max_scalars = 4;

/// Whether a rule has sums. Beside what every rule has, such a one gives
///   sums, global_sums: how many; whether they are over all parameters of a step together, or over each
///   scalars: names of numbers, 0 at first, that it keeps from step to step; a set a parameter, or one with global_sums
///   Measure<Real>: the first pass. operator()(Real w, Real g, Real& slot..., double& sum...) adds what one element has
///     to each sum, and may move slots; a rule that does not look at its slots then leaves them out
///   measure<Real>(t, scalars): its constants
///   at<Real>(t, sums, scalars): those of the second pass, `Update<Real>`, which moves w; scalars as before the step
///   advance(sums, scalars): takes the scalars to the next step
template <class Rule, class = void> constexpr bool measures = false;
template <class Rule> constexpr bool measures<Rule, std::void_t<decltype(Rule::sums)>> = true;

template <class Measure, std::size_t... sum> constexpr bool needs_no_slot(std::index_sequence<sum...>) {
  return std::is_invocable_v<Measure, float, float, decltype(sum, std::declval<double&>())...>;
}

/// How many of the slots the first pass takes: all or none.
template <class Rule>
constexpr std::size_t measured_slots =
    needs_no_slot<typename Rule::template Measure<float>>(std::make_index_sequence<Rule::sums>{}) ? 0
                                                                                                  : Rule::slots.size();

}  // namespace gs
