// The arrays of an optimizer on a GPU, with their state.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bindings/cuda/device_reader.hpp"
#include "bindings/optimizers/optimizers.hpp"
#include "update/cuda/device_memory.hpp"
#include "update/cuda/device_step.hpp"

namespace gs {

/// Throws unless an optimizer can step on a GPU. there, otherwise: what it would step, and what it steps.
void check_serves_gpu(const Optimizer& engine, const std::string& there, const std::string& otherwise);

class DeviceOptimizer {
 public:
  DeviceOptimizer(py::object optimizer, int device);

  /// New parameters, all or none. labels, groups, decays: an element each.
  void add(const std::vector<py::object>& arrays, const std::vector<std::string>& labels,
           const std::vector<std::size_t>& groups, const std::vector<bool>& decays, const DeviceReader& reader);
  void truncate(std::size_t length);
  /// Names, addresses, shapes and dtypes of a parameter's state, and its own count of steps as an array.
  py::list state(std::size_t index) const;
  py::list scalars() const;

  /// Throws if a gradient overlaps a parameter, but is not itself one.
  void check_apart(const Parameter& parameter, const DeviceView& gradient, const std::string& label) const;
  double* global_scalars() const { return scalars_ ? reinterpret_cast<double*>(scalars_->data()) : nullptr; }

  PyOptimizer& optimizer() { return optimizer_; }
  const int device;
  std::deque<Parameter> parameters;

 private:
  struct Owned {
    std::shared_ptr<DeviceMemory> memory;
    py::object steps;  // an array of the count, or None
  };
  void check_new(const std::vector<DeviceView>& views, const std::vector<std::string>& labels) const;
  /// A parameter whose memory overlaps [first, last), or null.
  const Parameter* at(const std::byte* first, const std::byte* last) const;

  py::object owner_;
  PyOptimizer& optimizer_;
  std::vector<Owned> owned_;                           // (parameter)
  std::map<const std::byte*, std::size_t> addresses_;  // of parameters that are not empty
  std::unique_ptr<DeviceMemory> scalars_;
};

}  // namespace gs
