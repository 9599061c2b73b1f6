// Sums over gradients and weights on a GPU, and what follows from them: clipping, and the constants of rules that
// measure. They stay on the device, so that no step waits for it. Sums are made in a fixed order: the same bits in
// every run.
#include <cmath>
#include <utility>

#include "core/measure.hpp"
#include "kernels/cuda/elements.hpp"

namespace gs {
namespace {

const auto launch_sums = [](const DeviceStep& step) {
  return [&step](const auto& body, std::size_t chunks) { return for_each_sum(body, chunks, step.stream); };
};

/// The gradient of an element, with what was accumulated before.
template <class Real, std::size_t slots> HD Real gradient(const Entry<slots>& e, bool sums_up, std::size_t i) {
  const Real g = load<Real>(e.g_dtype, e.g, i);
  return sums_up ? g + static_cast<const Real*>(e.state[slots])[i] : g;
}

/// Where the sums of a chunk of an array go.
template <std::size_t slots> HD double* place(double* all, const Entry<slots>& e, std::size_t number) {
  return all + max_sums * (e.first_sum + (number - e.first));
}

template <class Real> struct Squares {
  static constexpr std::size_t slots = 0, sums = 1;
  double* all;
  double scale;
  bool sums_up;
  Entries<slots, most_parameters - 512> entries;

  HD void add(std::size_t number, unsigned thread, double* to) const {
    const Entry<slots>& e = entries.of(std::uint32_t(number));
    const Range range = range_of(e, number);
    for (std::size_t i = range.begin + thread; i < range.end; i += block_threads)
      *to += square(double(gradient<Real>(e, sums_up, i)) * scale);
  }
  HD void put(std::size_t number, const double* found) const {
    *place(all, entries.of(std::uint32_t(number)), number) = *found;
  }
};

template <class Real> DeviceError squares(const DeviceStep& step, const DeviceTensor* tensors, std::size_t count) {
  Squares<Real> body{step.workspace.sums, step.factors.scale, step.sums_up, {}};
  return in_launches(body, tensors, count, launch_sums(step));
}

/// The sums of arrays, which are summed once more; a block has one array.
struct Summed {
  std::size_t begin, end;
  double* scalars;
  std::uint32_t index;
};
template <std::size_t sum_count> HD void add_up(const double* all, const Summed& of, unsigned thread, double* to) {
  for (std::size_t i = of.begin + thread; i < of.end; i += block_threads)
    for (std::size_t k = 0; k < sum_count; ++k) to[k] += all[max_sums * i + k];
}

constexpr std::size_t most_summed = (most_parameters - 512) / sizeof(Summed);

/// Launches over the sums of arrays; of global ones, over all of the step's.
template <class Body>
DeviceError over_sums(Body& body, const DeviceStep& step, bool global, const DeviceTensor* tensors, std::size_t count) {
  if (global) {
    body.arrays[0] = {0, step.all_sums, step.scalars, step.index};
    return for_each_sum(body, 1, step.stream);
  }
  for (std::size_t begin = 0; begin < count; begin += most_summed) {
    const std::size_t n = std::min(count - begin, most_summed);
    for (std::size_t i = 0; i < n; ++i) {
      const DeviceTensor& t = tensors[begin + i];
      body.arrays[i] = {t.first_sum, t.first_sum + device_sums(t.n), t.scalars, t.index};
    }
    if (const DeviceError error = for_each_sum(body, n, step.stream)) return error;
  }
  return 0;
}

struct Clip {
  static constexpr std::size_t sums = 1;
  const double* all;
  double* scales;
  double most;
  bool global;
  Summed arrays[most_summed];

  HD void add(std::size_t block, unsigned thread, double* to) const { add_up<sums>(all, arrays[block], thread, to); }
  HD void put(std::size_t block, const double* found) const {
    const double norm = root(*found);
    // A norm of all that is no number makes none of everything, as in Keras: nothing hides a divergence.
    const bool is_number = norm - norm == 0;
    scales[global ? 0 : arrays[block].index] =
        global && !is_number ? double(__builtin_nan("")) : most / larger(norm, most);
  }
};

template <class Rule, class Real> struct Measuring {
  static constexpr std::size_t slots = Rule::slots.size(), sums = Rule::sums;
  using First = typename Rule::template Measure<Real>;
  Rule rule;
  std::int64_t t;
  const double* scalars;  // of all arrays
  double decay;
  bool sums_up, half_state;
  std::uint64_t count;
  double* all;
  Transforms transforms;
  First first;  // of a rule without scalars
  Entries<slots, most_parameters - 512> entries;

  HD void add(std::size_t number, unsigned thread, double* to) const {
    const Entry<slots>& e = entries.of(std::uint32_t(number));
    const Range range = range_of(e, number);
    const double scale = transforms.scale_of(e);
    const First measure = constants(e);
    for (std::size_t i = range.begin + thread; i < range.end; i += block_threads) {
      const Real w = load<Real>(e.w_dtype, e.w, i);
      const Real g = transforms(gradient<Real>(e, sums_up, i), w, scale);
      add_one(measure, e, i, w * Real(decay), g, to, std::make_index_sequence<measured_slots<Rule>>{},
              std::make_index_sequence<sums>{});
    }
  }
  HD void put(std::size_t number, const double* found) const {
    double* const to = place(all, entries.of(std::uint32_t(number)), number);
    for (std::size_t k = 0; k < sums; ++k) to[k] = found[k];
  }

 private:
  HD First constants(const Entry<slots>& e) const {
    if constexpr (Rule::scalars.size() > 0)
      return rule.template measure<Real>(t, Rule::global_sums ? scalars : e.scalars);
    else
      return first;
  }
  template <std::size_t... slot, std::size_t... sum>
  HD void add_one(const First& measure, [[maybe_unused]] const Entry<slots>& e, [[maybe_unused]] std::size_t i, Real w,
                  Real g, double* to, std::index_sequence<slot...>, std::index_sequence<sum...>) const {
    Real state[slots + 1] = {load_state<Real>(half_state, e.state[slot], i)...};
    measure(w, g, state[slot]..., to[sum]...);
    (store_state(half_state, count, e.state[slot], i, slot, state[slot]), ...);
  }
};

template <class Rule, class Real> struct Concluding {
  static constexpr std::size_t sums = Rule::sums;
  Rule rule, first;  // first: of the first group's values, by which global scalars go on
  std::int64_t t;
  const double* all;
  std::byte* constants;
  bool advances;
  Summed arrays[(most_parameters - 512) / sizeof(Summed)];

  HD void add(std::size_t block, unsigned thread, double* to) const { add_up<sums>(all, arrays[block], thread, to); }
  HD void put(std::size_t block, const double* found) const {
    const Summed& of = arrays[block];
    using Update = typename Rule::template Update<Real>;
    *reinterpret_cast<Update*>(constants + of.index * device_constants) = rule.template at<Real>(t, found, of.scalars);
    if constexpr (Rule::scalars.size() > 0)
      if (!Rule::global_sums || advances) (Rule::global_sums ? first : rule).advance(found, of.scalars);
  }
};

template <class Rule, class Real>
DeviceError measure(const DeviceStep& step, const DeviceTensor* tensors, std::size_t count) {
  const Rule rule = with_values<Rule>(step.values);
  Measuring<Rule, Real> body{rule,
                             step.t,
                             step.scalars,
                             step.factors.decay,
                             step.sums_up,
                             step.half_state,
                             step.count,
                             step.workspace.sums,
                             transforms_of(step),
                             {},
                             {}};
  if constexpr (Rule::scalars.size() == 0) body.first = rule.template measure<Real>(step.t, nullptr);
  return in_launches(body, tensors, count, launch_sums(step));
}

template <class Rule, class Real>
DeviceError conclude(const DeviceStep& step, const DeviceTensor* tensors, std::size_t count) {
  Concluding<Rule, Real> body{with_values<Rule>(step.values),
                              with_values<Rule>(step.first_values ? step.first_values : step.values),
                              step.t,
                              step.workspace.sums,
                              step.workspace.constants,
                              step.advances,
                              {}};
  return over_sums(body, step, Rule::global_sums, tensors, count);
}

struct OfRule {
  DeviceError (*measure[2])(const DeviceStep&, const DeviceTensor*, std::size_t) = {};
  DeviceError (*conclude[2])(const DeviceStep&, const DeviceTensor*, std::size_t) = {};
};
template <class Rule> constexpr OfRule of_rule() {
  if constexpr (measures<Rule>)
    return {{measure<Rule, float>, measure<Rule, double>}, {conclude<Rule, float>, conclude<Rule, double>}};
  else
    return {};
}
template <class... Rules> constexpr auto rows(TypeList<Rules...>) {
  return std::array<OfRule, sizeof...(Rules)>{of_rule<Rules>()...};
}
constexpr auto table = rows(Optimizers{});

}  // namespace

DeviceError device_squares(const DeviceStep& step, const DeviceTensor* tensors, std::size_t count) noexcept {
  return step.real == Dtype::f64 ? squares<double>(step, tensors, count) : squares<float>(step, tensors, count);
}

DeviceError device_clip(const DeviceStep& step, const DeviceTensor* tensors, std::size_t count) noexcept {
  const bool global = step.global_clipnorm != inf;
  Clip body{step.workspace.sums, step.workspace.scales, global ? step.global_clipnorm : step.clipnorm, global, {}};
  return over_sums(body, step, global, tensors, count);
}

DeviceError device_measure(const DeviceStep& step, const DeviceTensor* tensors, std::size_t count) noexcept {
  return table[std::size_t(step.rule)].measure[int(step.real)](step, tensors, count);
}

DeviceError device_conclude(const DeviceStep& step, const DeviceTensor* tensors, std::size_t count) noexcept {
  return table[std::size_t(step.rule)].conclude[int(step.real)](step, tensors, count);
}

}  // namespace gs
