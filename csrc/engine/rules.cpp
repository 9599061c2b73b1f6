#include "engine/rules.hpp"

#include <cmath>
#include <cstdio>
#include <new>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "optimizers/all.hpp"

namespace gs {
namespace {

template <class O> O with_values(const double* values) {
  O rule;
  for (const auto& field : O::fields()) rule.*field.member = *values++;
  return rule;
}

template <class O, class Real> AnyUpdate update(const O& rule, std::int64_t t) {
  using Update = typename O::template Update<Real>;
  static_assert(sizeof(Update) <= sizeof(AnyUpdate), "make AnyUpdate larger");
  static_assert(std::is_trivially_copyable_v<Update>);
  AnyUpdate any{};
  new (any.bytes) Update(rule.template at<Real>(t));
  return any;
}

template <class O> AnyUpdate at(const double* values, std::int64_t t, Dtype dtype) {
  const O rule = with_values<O>(values);
  return dtype == Dtype::f32 ? update<O, float>(rule, t) : update<O, double>(rule, t);
}

template <class O, class = void> struct Start {
  static double of(const double*, std::size_t) { return 0; }
};
template <class O> struct Start<O, std::void_t<decltype(std::declval<O>().start(0))>> {
  static double of(const double* values, std::size_t slot) { return with_values<O>(values).start(slot); }
};

template <class O> Rule describe(int index) {
  static_assert(O::slots.size() <= max_slots);
  Rule rule{index, O::name, {O::slots.begin(), O::slots.end()}, {}, at<O>, Start<O>::of};
  const O defaults;
  for (const auto& f : O::fields())
    rule.fields.push_back({f.name, f.doc, defaults.*f.member, f.low, f.high, f.low_open, f.high_open});
  return rule;
}

template <class... All> std::vector<Rule> describe_all(TypeList<All...>) {
  int index = 0;
  return {describe<All>(index++)...};
}

}  // namespace

const std::vector<Rule>& rules() {
  static const std::vector<Rule> all = describe_all(Optimizers{});
  return all;
}

const Rule& find_rule(const std::string& name) {
  std::string known;
  for (const Rule& rule : rules()) {
    if (name == rule.name) return rule;
    known += (known.empty() ? "" : ", ") + std::string(rule.name);
  }
  throw std::invalid_argument("rule must be one of " + known + "; got " + name + ".");
}

bool in_range(const FieldInfo& f, double value) {
  const bool above = f.low_open ? value > f.low : value >= f.low;
  const bool below = f.high_open ? value < f.high : value <= f.high;
  return above && below;  // false for NaN
}

void check_field(const FieldInfo& f, double value) {
  if (in_range(f, value)) return;
  char text[256];
  std::snprintf(text, sizeof text, "%s must be a number in %c%g, %g%c; got %.17g.", f.name, f.low_open ? '(' : '[',
                f.low, f.high, f.high_open ? ')' : ']', value);
  throw std::invalid_argument(text);
}

}  // namespace gs
