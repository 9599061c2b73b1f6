// How a rule tells its name and numbers, so that bounds checks, bindings and Python follow from it.
#pragma once

#include <array>
#include <cstddef>
#include <limits>

#include "core/portable.hpp"

namespace gs {

inline constexpr double inf = std::numeric_limits<double>::infinity();

/// A hyperparameter of Owner: every value v must satisfy low <= v <= high, or < where that side is open; never NaN.
template <class Owner> struct Field {
  const char* name = nullptr;
  double Owner::* member = nullptr;
  const char* doc = nullptr;
  double low = 0, high = inf;
  bool low_open = false, high_open = true;
};

/// The fields of a rule that builds on another: the other's, then its own.
template <class Owner, class Base, std::size_t inherited, class... Own>
constexpr auto extend(const std::array<Field<Base>, inherited>& base, const Own&... own) {
  std::array<Field<Owner>, inherited + sizeof...(Own)> all{};
  std::size_t i = 0;
  for (const auto& f : base) all[i++] = {f.name, f.member, f.doc, f.low, f.high, f.low_open, f.high_open};
  ((all[i++] = own), ...);
  return all;
}

/// A rule with these values of its fields, in their order; with its defaults, if values is null.
template <class Rule> HD Rule with_values(const double* values) {
  Rule rule;
  constexpr auto fields = Rule::fields();
  for (std::size_t i = 0; values && i < fields.size(); ++i) rule.*fields[i].member = values[i];
  return rule;
}

/// Which slots of a rule are never negative, a bit each; none, if it does not say.
template <class Rule, class = void> inline constexpr unsigned unsigned_slots = 0;
template <class Rule>
inline constexpr unsigned unsigned_slots<Rule, decltype(void(Rule::unsigned_slots))> = Rule::unsigned_slots;

/// Whether a slot of a rule may be negative.
template <class Rule> constexpr bool has_signs(std::size_t slot) { return !(unsigned_slots<Rule> >> slot & 1); }

template <class... Types> struct TypeList {
  static constexpr int size = sizeof...(Types);
};

/// The types of one list, and those of another behind them.
template <class... A, class... B> TypeList<A..., B...> joined(TypeList<A...>, TypeList<B...>);

/// Position of T in a list; the list's size if it is not there.
template <class T, class... Types> constexpr int index_of(TypeList<Types...>) {
  constexpr bool same[] = {__is_same(T, Types)...};
  int index = 0;
  while (index < int(sizeof...(Types)) && !same[index]) ++index;
  return index;
}

}  // namespace gs
