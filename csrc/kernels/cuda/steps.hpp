// Steps of arrays on a GPU: the rules of optimizers/ over many arrays at once, and what is done around them. All is
// queued on a stream; nothing waits for it. Every pointer to numbers is one on the device.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/describe.hpp"
#include "core/dtype.hpp"
#include "kernels/cuda/device.hpp"
#include "kernels/updates/sweep.hpp"
#include "optimizers/all.hpp"

namespace gs {

inline constexpr std::size_t device_slots = 4;  // most that a rule has

/// An array that a step moves, and what belongs to it; all in C order.
struct DeviceTensor {
  void* w = nullptr;
  const void* g = nullptr;
  void* state[device_slots] = {};  // (slot)
  void* sum = nullptr;             // of gradients that are accumulated
  void* average = nullptr;         // of weights
  double* scalars = nullptr;       // of a rule that keeps some for each array
  std::size_t n = 0;
  Dtype w_dtype = Dtype::f32, g_dtype = Dtype::f32;
  std::uint32_t number = 0;   // among all of the optimizer, for what is drawn
  std::uint32_t index = 0;    // among those of the step
  std::size_t first_sum = 0;  // which of the step's sums are its own: device_sums(n) from here on
};

/// How many sums of a kind an array of n elements has; they are summed again in this order.
std::size_t device_sums(std::size_t n) noexcept;

/// The space that a step needs on the device.
struct DeviceWorkspace {
  double* sums = nullptr;          // 4 for each of the step's sums
  double* scales = nullptr;        // (index): what clipping leaves of a gradient
  std::byte* constants = nullptr;  // (index, device_constants): those of the second pass
};
inline constexpr std::size_t device_constants = 128;  // bytes of a rule's Update<Real>, at most

/// What holds for all arrays of a launch.
struct DeviceStep {
  int rule = 0;  // position in Optimizers
  Dtype real = Dtype::f32;
  const void* update = nullptr;    // the rule's Update<Real>, on the host; of a rule that measures, nothing
  const void* measure = nullptr;   // its Measure<Real>, unless that depends on scalars
  const double* values = nullptr;  // of its fields, on the host
  std::int64_t t = 1;              // its step
  Factors factors{};
  double limit = inf, couple = 0;  // as in UpdateKernel
  bool sums_up = false, only_sums = false;
  bool averages = false, overwrites = false;
  double average_keep = 0;
  bool half_state = false;  // bfloat16
  bool stochastic = false;  // weights of bfloat16 are rounded by chance
  std::uint64_t seed = 0, count = 0;
  double clipnorm = inf, global_clipnorm = inf;
  std::size_t all_sums = 0;  // of the whole step
  // Of a rule with global sums: its scalars; whether they go on to the next step; those of the first group's values.
  double* scalars = nullptr;
  bool advances = false;
  const double* first_values = nullptr;
  std::uint32_t index = 0;  // of its constants
  DeviceWorkspace workspace{};
  DeviceStream stream = 0;
};

/// The sums of squares of gradients; then the factors that clipping them makes. Those of a global norm after the sums
/// of all arrays: once, of none.
DeviceError device_squares(const DeviceStep& step, const DeviceTensor* tensors, std::size_t count) noexcept;
DeviceError device_clip(const DeviceStep& step, const DeviceTensor* tensors, std::size_t count) noexcept;
/// The first pass of a rule that measures; then the constants of the second. With global sums as above.
DeviceError device_measure(const DeviceStep& step, const DeviceTensor* tensors, std::size_t count) noexcept;
DeviceError device_conclude(const DeviceStep& step, const DeviceTensor* tensors, std::size_t count) noexcept;
/// The rule.
DeviceError device_sweep(const DeviceStep& step, const DeviceTensor* tensors, std::size_t count) noexcept;
/// What a step does to arrays without a gradient: their average goes on, and may take the weights' place.
DeviceError device_average(const DeviceStep& step, const DeviceTensor* tensors, std::size_t count) noexcept;

}  // namespace gs
