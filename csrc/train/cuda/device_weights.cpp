#include "train/cuda/device_weights.hpp"

#include "train/loop/train_loop.hpp"

namespace gs {

template <class Real> DeviceWeights<Real>::DeviceWeights(const Network<Real>& network, Stepper* stepper, int device) {
  const auto plain = plain_weights(network);
  if (stepper && !stepper->owners().empty()) {
    optimizer_ = &stepper->optimizer_of(0);
    for (const Stepper::Owner& owner : stepper->owners()) known_.push_back(owner.parameter);
    first_.resize(known_.size());
  }
  std::size_t gradients = 0;
  for (const auto& layer : plain) {
    weights_.emplace_back(layer.size());
    for (const Weight<Real>& weight : layer) {
      const std::size_t bytes = weight.attributes->size() * sizeof(Real);
      const bool trained = optimizer_ && weight.trainable();
      const std::size_t part = add(weight.w, bytes, trained);
      if (!trained) continue;
      first_[weight.number] = part;
      add_state(*known_[weight.number]);
      gradients += device_aligned(bytes);
    }
  }
  if (optimizer_) scalars_ = add(optimizer_->scalars.data(), optimizer_->scalars.size() * sizeof(double), true);
  std::size_t bytes = 0;
  for (const Part& part : parts_) bytes += device_aligned(part.bytes);
  memory_ = std::make_unique<DeviceMemory>(device, bytes);
  gradient_memory_ = std::make_unique<DeviceMemory>(device, gradients);
  std::byte* next = memory_->data();
  for (Part& part : parts_) {
    part.device = next;
    next += device_aligned(part.bytes);
  }

  std::byte* gradient = gradient_memory_->data();
  std::size_t part = 0;
  for (std::size_t k = 0; k < plain.size(); ++k)
    for (std::size_t i = 0; i < plain[k].size(); ++i) {
      DeviceWeight<Real>& weight = weights_[k][i];
      weight.w = reinterpret_cast<Real*>(parts_[part++].device);
      if (!optimizer_ || !plain[k][i].trainable()) continue;
      weight.gradient = reinterpret_cast<Real*>(gradient);
      gradient += device_aligned(plain[k][i].attributes->size() * sizeof(Real));
      const Parameter& p = *known_[plain[k][i].number];
      Parameter there{p.dtype, p.layout, reinterpret_cast<std::byte*>(weight.w), {}, {}, {}};
      for (std::size_t s = 0; s < p.state.size(); ++s) there.state.push_back(parts_[part++].device);
      // They lie side by side: a rule takes the address of the first.
      if (!p.scalars.empty()) {
        std::byte* const scalars = parts_[part].device;
        for (std::size_t s = 0; s < p.scalars.size(); ++s, ++part) {
          parts_[part].device = scalars + s * sizeof(double);
          there.scalars.push_back(reinterpret_cast<double*>(parts_[part].device));
        }
      }
      there.steps = p.steps;
      there.group = p.group;
      there.decays = p.decays;
      there.number = p.number;
      parameters_.push_back(std::move(there));
      gradients_.push_back({&parameters_.back(), weight.gradient, p.dtype});
    }
  std::vector<const Parameter*> all;
  for (const Parameter& p : parameters_) all.push_back(&p);
  space_ = device_space(all);
  workspace_ = std::make_unique<DeviceMemory>(device, space_.all());
}

template <class Real> std::size_t DeviceWeights<Real>::add(const void* host, std::size_t bytes, bool changes) {
  parts_.push_back({const_cast<void*>(host), bytes, changes, nullptr});
  return parts_.size() - 1;
}

template <class Real> void DeviceWeights<Real>::add_state(const Parameter& p) {
  const bool half = optimizer_->options.storage == Storage::bf16;
  for (std::size_t s = 0; s < p.state.size(); ++s) {
    const bool is_half = half && s < optimizer_->rule.slots.size();
    add(p.state[s], p.layout.size * (is_half ? 2 : sizeof(Real)), true);
  }
  for (double* const scalar : p.scalars) add(scalar, sizeof(double), true);
}

template <class Real> void DeviceWeights<Real>::upload() {
  for (const Part& part : parts_) check_device(device_from_host(part.device, part.host, part.bytes), "a copy");
}

template <class Real> void DeviceWeights<Real>::download() {
  for (const Part& part : parts_)
    if (part.changes) check_device(device_to_host(part.host, part.device, part.bytes), "a copy");
}

template <class Real> void DeviceWeights<Real>::step() {
  if (!optimizer_) return;
  double* const scalars = optimizer_->scalars.empty() ? nullptr : reinterpret_cast<double*>(parts_[scalars_].device);
  check_device(
      device_step(*optimizer_, gradients_, {}, scalars, device_workspace(space_, workspace_->data()), DeviceStream(0)),
      "a step");
}

template class DeviceWeights<float>;
template class DeviceWeights<double>;

}  // namespace gs
