// The only GPU optimizer loop: every rule of optimizers/, over many arrays in one launch. Built with --fmad=false, so
// that a rule rounds as it does on the CPU.
#include <cstring>
#include <utility>

#include "kernels/cuda/elements.hpp"

namespace gs {
namespace {

/// What is done around a rule.
struct Around {
  bool sums_up, only_sums, averages, overwrites, half_state, stochastic;
  double average_keep;
  std::uint64_t count;
  Chance chance;  // but for the array

  template <class Real> HD void store(const Chance& drawn, Dtype dtype, void* to, std::size_t i, Real x) const {
    if (dtype == own_dtype<Real>) {
      static_cast<Real*>(to)[i] = x;
      return;
    }
    const float value = float(x);
    static_cast<std::uint16_t*>(to)[i] = dtype == Dtype::f16 ? Float16::encode(value)
                                         : stochastic        ? Bfloat16::encode(value, drawn.of(i))
                                                             : Bfloat16::encode(value);
  }
  template <class Real, class Entry>
  HD void store_weight(const Entry& e, void* average, std::size_t i, Real value, bool moved) const {
    if (averages) {
      Real& mean = static_cast<Real*>(average)[i];
      mean = average_keep == 0 ? value : Real(average_keep) * mean + Real(1 - average_keep) * value;
      if (overwrites) value = mean;
    }
    if (moved || overwrites) store({chance.key, chance.step, e.number}, e.w_dtype, e.w, i, value);
  }
};

inline Around around_of(const DeviceStep& step) {
  return {step.sums_up,    step.only_sums,    step.averages, step.overwrites,           step.half_state,
          step.stochastic, step.average_keep, step.count,    {step.seed, step.count, 0}};
}

/// Where the constants of a launch come from: its parameters, or, of a rule that measures, the device.
template <class Update, bool measured> struct Constants {
  Update update;
  template <class Entry> HD Update of(const Entry&) const { return update; }
};
template <class Update> struct Constants<Update, true> {
  const std::byte* all;
  bool one;  // for all arrays of the launch
  std::uint32_t index;
  template <class Entry> HD Update of(const Entry& e) const {
    return *reinterpret_cast<const Update*>(all + (one ? index : e.index) * device_constants);
  }
};

// Any types, and what is asked for around the rule.
template <class Update, class Real, std::size_t slot_count, bool measured> struct Sweep {
  static constexpr std::size_t slots = slot_count;
  Constants<Update, measured> constants;
  double decay;
  Transforms transforms;
  Around around;
  Entries<slots, most_parameters - 512> entries;

  HD void each(std::size_t number, unsigned thread) const {
    const Entry<slots>& e = entries.of(std::uint32_t(number));
    const Range range = range_of(e, number);
    const Update update = constants.of(e);
    const double scale = transforms.scale_of(e);
    for (std::size_t i = range.begin + thread; i < range.end; i += block_threads)
      move(update, e, i, scale, std::make_index_sequence<slots>{});
  }

 private:
  template <std::size_t... slot>
  HD void move(const Update& update, const Entry<slots>& e, std::size_t i, double scale,
               std::index_sequence<slot...>) const {
    Real g = load<Real>(e.g_dtype, e.g, i);
    if (around.sums_up) {
      Real& sum = static_cast<Real*>(e.state[slots])[i];
      g = sum + g;
      sum = around.only_sums ? g : Real(0);
      if (around.only_sums) return;
    }
    const Real w = load<Real>(e.w_dtype, e.w, i);
    Real state[slots + 1] = {load_state<Real>(around.half_state, e.state[slot], i)...};
    Real value = w * Real(decay);
    update(value, transforms(g, w, scale), state[slot]...);
    (store_state(around.half_state, around.count, e.state[slot], i, slot, state[slot]), ...);
    around.store_weight(e, e.state[slots + 1], i, value, true);
  }
};

template <class Real> struct alignas(4 * sizeof(Real)) Four {
  Real x[4];
};
template <class Real> HD Four<Real>& four_at(void* from, std::size_t i) {
  return *reinterpret_cast<Four<Real>*>(static_cast<Real*>(from) + i);
}

// Nothing but the rule, of arrays of Real: four elements a thread at once, as the memory has them.
template <class Update, class Real, std::size_t slot_count, bool measured> struct PlainSweep {
  static constexpr std::size_t slots = slot_count;
  Constants<Update, measured> constants;
  double decay;
  Transforms transforms;
  Entries<slots, most_parameters - 512> entries;

  HD void each(std::size_t number, unsigned thread) const {
    const Entry<slots>& e = entries.of(std::uint32_t(number));
    const Range range = range_of(e, number);
    const Update update = constants.of(e);
    const double scale = transforms.scale_of(e);
    const std::size_t whole = e.aligned ? range.begin + (range.end - range.begin) / 4 * 4 : range.begin;
    constexpr std::make_index_sequence<slots> all{};
    for (std::size_t i = range.begin + 4 * thread; i < whole; i += 4 * block_threads) fours(update, e, i, scale, all);
    for (std::size_t i = whole + thread; i < range.end; i += block_threads) move(update, e, i, scale, all);
  }

 private:
  template <std::size_t... slot>
  HD void fours(const Update& update, const Entry<slots>& e, std::size_t i, double scale,
                std::index_sequence<slot...>) const {
    Four<Real> w = four_at<Real>(e.w, i), state[slots + 1] = {four_at<Real>(e.state[slot], i)...};
    const Four<Real> g = four_at<Real>(const_cast<void*>(e.g), i);
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      Real value = w.x[k] * Real(decay);
      update(value, transforms(g.x[k], w.x[k], scale), state[slot].x[k]...);
      w.x[k] = value;
    }
    four_at<Real>(e.w, i) = w;
    ((four_at<Real>(e.state[slot], i) = state[slot]), ...);
  }
  template <std::size_t... slot>
  HD void move(const Update& update, const Entry<slots>& e, std::size_t i, double scale,
               std::index_sequence<slot...>) const {
    Real& w = static_cast<Real*>(e.w)[i];
    Real value = w * Real(decay);
    update(value, transforms(static_cast<const Real*>(e.g)[i], w, scale), static_cast<Real*>(e.state[slot])[i]...);
    w = value;
  }
};

template <class Update, bool measured> Constants<Update, measured> constants_of(const DeviceStep& step, bool global) {
  static_assert(sizeof(Update) <= device_constants);
  if constexpr (measured) {
    return {step.workspace.constants, global, step.index};
  } else {
    (void)global;
    Constants<Update, false> constants{};
    std::memcpy(&constants.update, step.update, sizeof(Update));
    return constants;
  }
}

const auto launch_threads = [](const DeviceStep& step) {
  return [&step](const auto& body, std::size_t chunks) { return for_each_thread(body, chunks, step.stream); };
};

template <class Update, class Real, std::size_t slots, bool measured>
DeviceError sweep(const DeviceStep& step, bool global, const DeviceTensor* tensors, std::size_t count) {
  const auto constants = constants_of<Update, measured>(step, global);
  Sweep<Update, Real, slots, measured> body{constants, step.factors.decay, transforms_of(step), around_of(step), {}};
  return in_launches(body, tensors, count, launch_threads(step));
}

template <class Update, std::size_t slots, bool measured>
DeviceError plain_sweep(const DeviceStep& step, bool global, const DeviceTensor* tensors, std::size_t count) {
  const auto constants = constants_of<Update, measured>(step, global);
  PlainSweep<Update, float, slots, measured> body{constants, step.factors.decay, transforms_of(step), {}};
  return in_launches(body, tensors, count, launch_threads(step));
}

bool is_plain(const DeviceStep& step, const DeviceTensor* tensors, std::size_t count) {
  bool plain = !step.sums_up && !step.averages && !step.half_state;
  for (std::size_t i = 0; i < count; ++i) plain &= tensors[i].w_dtype == Dtype::f32 && tensors[i].g_dtype == Dtype::f32;
  return plain;
}

template <class Rule> constexpr bool has_global_sums() {
  if constexpr (measures<Rule>)
    return Rule::global_sums;
  else
    return false;
}

template <class Rule> DeviceError sweep_of(const DeviceStep& step, const DeviceTensor* tensors, std::size_t count) {
  constexpr std::size_t slots = Rule::slots.size();
  static_assert(slots <= device_slots);
  constexpr bool measured = measures<Rule>, global = has_global_sums<Rule>();
  if (step.real == Dtype::f64)
    return sweep<typename Rule::template Update<double>, double, slots, measured>(step, global, tensors, count);
  using Update = typename Rule::template Update<float>;
  return is_plain(step, tensors, count) ? plain_sweep<Update, slots, measured>(step, global, tensors, count)
                                        : sweep<Update, float, slots, measured>(step, global, tensors, count);
}

using SweepOfRule = DeviceError (*)(const DeviceStep&, const DeviceTensor*, std::size_t);
template <class... Rules> constexpr auto rows(TypeList<Rules...>) {
  return std::array<SweepOfRule, sizeof...(Rules)>{sweep_of<Rules>...};
}

// The average of arrays that have no gradient.
template <class Real> struct Average {
  static constexpr std::size_t slots = 0;
  Around around;
  Entries<slots, most_parameters - 512> entries;
  HD void each(std::size_t number, unsigned thread) const {
    const Entry<slots>& e = entries.of(std::uint32_t(number));
    const Range range = range_of(e, number);
    for (std::size_t i = range.begin + thread; i < range.end; i += block_threads)
      around.store_weight(e, e.state[1], i, load<Real>(e.w_dtype, e.w, i), false);
  }
};

template <class Real> DeviceError average(const DeviceStep& step, const DeviceTensor* tensors, std::size_t count) {
  Average<Real> body{around_of(step), {}};
  return in_launches(body, tensors, count, launch_threads(step));
}

}  // namespace

std::size_t device_sums(std::size_t n) noexcept { return (n + chunk - 1) / chunk; }

DeviceError device_sweep(const DeviceStep& step, const DeviceTensor* tensors, std::size_t count) noexcept {
  static constexpr auto table = rows(Optimizers{});
  return table[std::size_t(step.rule)](step, tensors, count);
}

DeviceError device_average(const DeviceStep& step, const DeviceTensor* tensors, std::size_t count) noexcept {
  return step.real == Dtype::f64 ? average<double>(step, tensors, count) : average<float>(step, tensors, count);
}

}  // namespace gs
