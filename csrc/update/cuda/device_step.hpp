// One optimizer over arrays on a GPU.
#pragma once

#include <vector>

#include "kernels/cuda/steps.hpp"
#include "update/optimizer.hpp"

namespace gs {

/// A parameter on the device, and its gradient. Its data, state and scalars are addresses there; its own count of
/// steps is on the host.
struct DeviceGrad {
  const Parameter* parameter;
  const void* gradient;
  Dtype dtype;
};

/// The space that a step of these parameters needs, in bytes, each on a boundary of 256.
struct DeviceSpace {
  std::size_t sums, scales, constants;
  std::size_t all() const { return sums + scales + constants; }
};
DeviceSpace device_space(const std::vector<const Parameter*>& parameters);
DeviceWorkspace device_workspace(const DeviceSpace& space, std::byte* memory);

/// One step, as Optimizer::step makes it: queued on the stream, and counted. idle: what has no gradient in it, for
/// averages; scalars: of a rule with global sums. After an error, what was queued before it is done all the same.
DeviceError device_step(Optimizer& optimizer, const std::vector<DeviceGrad>& grads, const Optimizer::Idle& idle,
                        double* scalars, const DeviceWorkspace& workspace, DeviceStream stream);

}  // namespace gs
