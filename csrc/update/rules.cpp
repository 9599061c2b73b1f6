#include "update/rules.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <new>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "optimizers/all.hpp"

namespace gs {
namespace {

// What `make` gives, made where it stays: a copy of numbers that were just written one by one would wait for them.
template <class Make> AnyUpdate erased(const Make& make) {
  using Update = decltype(make());
  static_assert(sizeof(Update) <= sizeof(AnyUpdate), "make AnyUpdate larger");
  static_assert(std::is_trivially_copyable_v<Update>);
  AnyUpdate any{};
  new (any.bytes) Update(make());
  return any;
}

template <class O> AnyUpdate at(const double* values, std::int64_t t, Dtype real) {
  const O rule = with_values<O>(values);
  return real == Dtype::f64 ? erased([&] { return rule.template at<double>(t); })
                            : erased([&] { return rule.template at<float>(t); });
}

template <class O> AnyUpdate first(const double* values, std::int64_t t, const double* scalars, Dtype real) {
  const O rule = with_values<O>(values);
  return real == Dtype::f64 ? erased([&] { return rule.template measure<double>(t, scalars); })
                            : erased([&] { return rule.template measure<float>(t, scalars); });
}

template <class O>
AnyUpdate second(const double* values, std::int64_t t, const double* sums, const double* scalars, Dtype real) {
  const O rule = with_values<O>(values);
  return real == Dtype::f64 ? erased([&] { return rule.template at<double>(t, sums, scalars); })
                            : erased([&] { return rule.template at<float>(t, sums, scalars); });
}

template <class O> void advance(const double* values, const double* sums, double* scalars) {
  if constexpr (O::scalars.size() > 0) with_values<O>(values).advance(sums, scalars);
}

template <class O> Factored factored(const double* values, std::int64_t t, Dtype real) {
  return with_values<O>(values).factored(
      t, real == Dtype::f64 ? std::numeric_limits<double>::epsilon() : std::numeric_limits<float>::epsilon());
}

template <class O> Orthogonal orthogonal(const double* values, double rows, double columns) {
  return with_values<O>(values).orthogonal(rows, columns);
}

template <class O> AnyUpdate fallback(const double* values, std::int64_t t, Dtype real) {
  const O rule = with_values<O>(values);
  return real == Dtype::f64 ? erased([&] { return rule.template fallback<double>(t); })
                            : erased([&] { return rule.template fallback<float>(t); });
}

template <class O> double fallback_decay(const double* values) { return with_values<O>(values).fallback_decay(); }

template <class O> Curvature curvature(const double* values) { return with_values<O>(values).curvature(); }

/// What a rule needs in place of `at`, if it does not update element by element.
template <class O> void set_passes(Rule& rule) {
  if constexpr (is_factored<O>) {
    rule.factored = factored<O>;
  } else if constexpr (is_orthogonal<O>) {
    rule.orthogonal = orthogonal<O>;
    rule.fallback = {index_of<Adam>(Optimizers{}), fallback<O>, fallback_decay<O>};
  } else if constexpr (has_curvature<O>) {
    rule.at = at<O>;
    rule.curvature = curvature<O>;
    rule.fallback = {index_of<Adam>(Optimizers{}), fallback<O>, nullptr};
  } else if constexpr (measures<O>) {
    static_assert(O::sums <= max_sums && O::scalars.size() <= max_scalars);
    rule.measuring = {O::sums, O::global_sums, {O::scalars.begin(), O::scalars.end()}, first<O>, second<O>, advance<O>};
  } else {
    rule.at = at<O>;
  }
}

template <class O, class = void> struct Start {
  static double of(const double*, std::size_t) { return 0; }
};
template <class O> struct Start<O, std::void_t<decltype(std::declval<O>().start(0))>> {
  static double of(const double* values, std::size_t slot) { return with_values<O>(values).start(slot); }
};

template <class O, class = void> constexpr bool shares_decay = false;
template <class O> constexpr bool shares_decay<O, std::void_t<decltype(O::common_decay)>> = O::common_decay;

std::size_t position(const Rule& rule, const char* name) {
  std::size_t i = 0;
  while (i < rule.fields.size() && std::strcmp(rule.fields[i].name, name) != 0) ++i;
  return i;
}

template <class O> Rule describe(int index) {
  Rule rule{index,
            O::name,
            {O::slots.begin(), O::slots.end()},
            {},
            O::fields().size(),
            unsigned_slots<O>,
            0,
            0,
            {},
            nullptr,
            Start<O>::of,
            {},
            nullptr,
            nullptr,
            nullptr,
            {}};
  set_passes<O>(rule);
  for (const auto& f : O::fields()) rule.fields.push_back(info(O{}, f));
  rule.learning_rate = position(rule, "learning_rate");
  std::size_t i = 0;
  for (const auto& f : Common::fields()) {
    const std::size_t found = position(rule, f.name);
    if (found == rule.fields.size()) rule.fields.push_back(info(Common{}, f));
    // A field of its own is its own affair, unless the rule says otherwise.
    rule.common_at[i++] = found < rule.own && !shares_decay<O> ? Rule::nowhere : found;
  }
  rule.weight_decay = position(rule, "weight_decay");
  return rule;
}

template <class... All, class... Matrix, class... Curved>
std::vector<Rule> describe_all(TypeList<All...>, TypeList<Matrix...>, TypeList<Curved...>) {
  int index = 0;
  std::vector<Rule> all{describe<All>(index++)...};
  (all.push_back(describe<Matrix>(-1)), ...);
  (all.push_back(describe<Curved>(index_of<Momentum>(Optimizers{}))), ...);
  return all;
}

}  // namespace

const std::vector<Rule>& rules() {
  static const std::vector<Rule> all = describe_all(Optimizers{}, MatrixOptimizers{}, CurvatureOptimizers{});
  return all;
}

const Rule& find_rule(const std::string& name) {
  // Beside them: it goes by the loops of another one.
  static const Rule with_product = describe<TorchNadamWithProduct>(index_of<TorchNadam>(Optimizers{}));
  if (name == with_product.name) return with_product;
  std::string known;
  for (const Rule& rule : rules()) {
    if (name == rule.name) return rule;
    known += (known.empty() ? "" : ", ") + std::string(rule.name);
  }
  throw std::invalid_argument("rule must be one of " + known + "; got " + name + ".");
}

Common Rule::common(const double* values) const {
  static constexpr auto of_all = Common::fields();  // not made anew: this is in every step
  Common common;
#pragma GCC unroll 8
  for (std::size_t i = 0; i < of_all.size(); ++i)
    if (common_at[i] != nowhere) common.*of_all[i].member = values[common_at[i]];
  return common;
}

}  // namespace gs
