// A network's weights on a GPU, with their gradients and the state of the optimizer: copies of what lies in CPU memory.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "train/plan/network.hpp"
#include "update/cuda/device_memory.hpp"
#include "update/cuda/device_step.hpp"
#include "update/stepper.hpp"

namespace gs {

/// A weight there; gradient: null where it is not trained.
template <class Real> struct DeviceWeight {
  Real* w = nullptr;
  Real* gradient = nullptr;
};

template <class Real> class DeviceWeights {
 public:
  /// stepper: of one optimizer, or null: nothing is trained.
  DeviceWeights(const Network<Real>& network, Stepper* stepper, int device);

  /// From CPU memory and back: back goes what steps change. Both wait for the device.
  void upload();
  void download();
  /// A step by the gradients that are there; queued, and counted by the optimizer.
  void step();

  const DeviceWeight<Real>& of(std::size_t layer, std::size_t weight) const { return weights_[layer][weight]; }

 private:
  struct Part {
    void* host;
    std::size_t bytes;
    bool changes;
    std::byte* device;
  };
  std::size_t add(const void* host, std::size_t bytes, bool changes);
  void add_state(const Parameter& parameter);

  std::vector<std::vector<DeviceWeight<Real>>> weights_;  // (layer, weight)
  std::vector<Part> parts_;
  Optimizer* optimizer_ = nullptr;
  std::vector<const Parameter*> known_;  // in CPU memory
  std::deque<Parameter> parameters_;     // the same there
  std::vector<std::size_t> first_;       // (parameter): its first part
  std::size_t scalars_ = 0;              // the part of the rule's numbers for all parameters, if it has some
  std::vector<DeviceGrad> gradients_;
  DeviceSpace space_{};
  std::unique_ptr<DeviceMemory> memory_, gradient_memory_, workspace_;
};

}  // namespace gs
