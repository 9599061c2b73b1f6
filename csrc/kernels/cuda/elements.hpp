// What a launch does with one element: numbers of any type, gradients on their way into a rule, the arrays of a launch.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/dtype.hpp"
#include "core/math.hpp"
#include "kernels/cuda/launch.hpp"
#include "kernels/cuda/steps.hpp"
#include "kernels/updates/codec.hpp"

namespace gs {
namespace {

/// Elements that a block of threads takes at once, and whose sums are made side by side.
constexpr std::size_t chunk = 16 * block_threads;

template <class Real> constexpr Dtype own_dtype = sizeof(Real) == 8 ? Dtype::f64 : Dtype::f32;

template <class Real> HD Real load(Dtype dtype, const void* from, std::size_t i) {
  if (dtype == own_dtype<Real>) return static_cast<const Real*>(from)[i];
  const std::uint16_t word = static_cast<const std::uint16_t*>(from)[i];
  return dtype == Dtype::f16 ? Float16::decode(word) : Bfloat16::decode(word);
}

/// Numbers of the state: of Real, or of bfloat16, rounded by the step's dither.
template <class Real> HD Real load_state(bool half, const void* from, std::size_t i) {
  return half ? Real(Bfloat16::decode(static_cast<const std::uint16_t*>(from)[i])) : static_cast<const Real*>(from)[i];
}
template <class Real>
HD void store_state(bool half, std::uint64_t step, void* to, std::size_t i, std::size_t slot, Real x) {
  if (half)
    static_cast<std::uint16_t*>(to)[i] = Bfloat16::encode(float(x), Dither::word(step, i, slot));
  else
    static_cast<Real*>(to)[i] = x;
}

/// What is done to a gradient before a rule sees it.
struct Transforms {
  double scale, limit, couple;
  const double* scales;  // by index, on the device; null: nothing is clipped
  bool one_scale;        // for all arrays

  template <class Entry> HD double scale_of(const Entry& e) const {
    return scales ? scale * scales[one_scale ? 0 : e.index] : scale;
  }
  /// g times its factor, cut, and with its share of w.
  template <class Real> HD Real operator()(Real g, Real w, double factor) const {
    const Real scaled = holds(own_dtype<Real>, factor) ? g * Real(factor) : Real(double(g) * factor);
    if (limit == inf && couple == 0) return scaled;
    const Real high = Real(limit), cut = at_most(at_least(scaled, -high), high);
    return couple == 0 ? cut : cut + Real(couple) * w;
  }
};

inline Transforms transforms_of(const DeviceStep& step) {
  const bool clips = step.clipnorm != inf || step.global_clipnorm != inf;
  return {step.factors.scale, step.limit, step.couple, clips ? step.workspace.scales : nullptr,
          step.global_clipnorm != inf};
}

/// An array of a launch.
template <std::size_t slots> struct Entry {
  void* w;
  const void* g;
  void* state[slots + 2];  // the rule's slots, the accumulated gradients, the average
  const double* scalars;
  std::size_t n;
  std::uint32_t first, first_sum;  // its first chunk in the launch, and in the step
  std::uint32_t number, index;
  Dtype w_dtype, g_dtype;
  bool aligned;  // to 16 bytes, all of them
};

template <std::size_t slots> Entry<slots> entry_of(const DeviceTensor& t, std::size_t first) {
  auto bits = reinterpret_cast<std::uintptr_t>(t.w) | reinterpret_cast<std::uintptr_t>(t.g);
  for (std::size_t s = slots; s > 0; --s) bits |= reinterpret_cast<std::uintptr_t>(t.state[s - 1]);
  Entry<slots> e{
      t.w,      t.g,     {},        t.scalars, t.n,           std::uint32_t(first), std::uint32_t(t.first_sum),
      t.number, t.index, t.w_dtype, t.g_dtype, bits % 16 == 0};
  for (std::size_t s = slots; s > 0; --s) e.state[s - 1] = t.state[s - 1];
  e.state[slots] = t.sum;
  e.state[slots + 1] = t.average;
  return e;
}

/// The arrays of a launch.
template <std::size_t slots, std::size_t room> struct Entries {
  static constexpr std::size_t most = room / sizeof(Entry<slots>);
  Entry<slots> all[most];
  std::uint32_t count;

  /// That of a chunk.
  HD const Entry<slots>& of(std::size_t number) const {
    std::uint32_t low = 0, high = count;
    while (high - low > 1) {
      const std::uint32_t middle = (low + high) / 2;
      (all[middle].first <= number ? low : high) = middle;
    }
    return all[low];
  }
};

/// A part of an array: the chunk's elements.
struct Range {
  std::size_t begin, end;
};
template <class Entry> HD Range range_of(const Entry& e, std::size_t number) {
  const std::size_t begin = (number - e.first) * chunk;
  return {begin, e.n - begin < chunk ? e.n : begin + chunk};
}

/// Launches of as many arrays as fit; launch(body, chunks) of each.
template <class Body, class Launch>
DeviceError in_launches(Body& body, const DeviceTensor* tensors, std::size_t count, Launch launch) {
  auto& entries = body.entries;
  std::size_t chunks = 0;
  entries.count = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (tensors[i].n > 0) {
      entries.all[entries.count++] = entry_of<Body::slots>(tensors[i], chunks);
      chunks += device_sums(tensors[i].n);
    }
    // 2^31 chunks are 32 TiB of floats: their number fits.
    if (entries.count == 0 || (entries.count < entries.most && i + 1 < count)) continue;
    if (const DeviceError error = launch(body, chunks)) return error;
    entries.count = 0;
    chunks = 0;
  }
  return 0;
}

}  // namespace
}  // namespace gs
