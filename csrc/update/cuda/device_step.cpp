#include "update/cuda/device_step.hpp"

#include "core/measure.hpp"
#include "runtime/subnormals.hpp"
#include "update/cuda/device_memory.hpp"

namespace gs {
namespace {

/// Arrays whose update is the same.
struct Batch {
  const UpdateKernel* kernel;
  std::vector<double> values;
  DeviceStep step;
  std::vector<DeviceTensor> tensors;
};

DeviceTensor tensor_of(const Parameter& p, const UpdateKernel& kernel) {
  DeviceTensor t;
  t.w = p.data;
  t.n = p.layout.size;
  t.w_dtype = p.dtype;
  for (std::size_t s = 0; s < kernel.slots; ++s) t.state[s] = p.state[s];
  if (kernel.sum >= 0) t.sum = p.state[std::size_t(kernel.sum)];
  if (kernel.average >= 0) t.average = p.state[std::size_t(kernel.average)];
  if (!p.scalars.empty()) t.scalars = p.scalars[0];
  t.number = p.number;
  return t;
}

class Step {
 public:
  Step(Optimizer& optimizer, double* scalars, const DeviceWorkspace& workspace, DeviceStream stream)
      : optimizer_(optimizer), scalars_(scalars), workspace_(workspace), stream_(stream) {}

  void add(const Parameter& p, const void* gradient, Dtype dtype) {
    Batch& batch = batch_of(p);
    DeviceTensor t = tensor_of(p, *batch.kernel);
    t.g = gradient;
    t.g_dtype = dtype;
    t.index = count_++;
    t.first_sum = sums_;
    sums_ += device_sums(t.n);
    batch.tensors.push_back(t);
  }

  DeviceError run(bool updates) {
    for (Batch& batch : batches_) batch.step.all_sums = sums_;
    DeviceError error = 0;
    if (updates) error = clip();
    if (updates && !error && optimizer_.rule.measures()) error = measure();
    return error ? error : each(device_sweep);
  }

  DeviceError average() { return each(device_average); }

 private:
  using Launch = DeviceError (*)(const DeviceStep&, const DeviceTensor*, std::size_t) noexcept;

  DeviceError each(Launch launch) {
    for (const Batch& batch : batches_)
      if (const DeviceError error = launch(batch.step, batch.tensors.data(), batch.tensors.size())) return error;
    return 0;
  }

  DeviceError clip() {
    bool clips = false;
    for (const Batch& batch : batches_) clips |= batch.step.clipnorm != inf || batch.step.global_clipnorm != inf;
    if (!clips) return 0;
    if (const DeviceError error = each(device_squares)) return error;
    for (const Batch& batch : batches_) {
      if (batch.step.global_clipnorm != inf) return device_clip(batch.step, nullptr, 0);
      if (batch.step.clipnorm == inf) continue;
      if (const DeviceError error = device_clip(batch.step, batch.tensors.data(), batch.tensors.size())) return error;
    }
    return 0;
  }

  DeviceError measure() {
    if (const DeviceError error = each(device_measure)) return error;
    batches_.back().step.advances = true;
    return each(device_conclude);
  }

  Batch& batch_of(const Parameter& p) {
    const UpdateKernel& kernel = optimizer_.update_kernel(p);
    for (Batch& batch : batches_)
      if (batch.kernel == &kernel) return batch;
    Batch& batch = batches_.emplace_back();
    batch.kernel = &kernel;
    batch.values = optimizer_.values_of(p);
    const Common common = optimizer_.rule.common(batch.values.data());
    const double base_clip = optimizer_.rule.common(optimizer_.groups[0].values.data()).global_clipnorm;
    DeviceStep& s = batch.step;
    s.rule = optimizer_.rule.index;
    s.real = kernel.real;
    s.update = &kernel.update;
    s.values = batch.values.data();
    s.t = optimizer_.steps(p) + 1;
    s.factors = kernel.factors;
    s.limit = kernel.limit;
    s.couple = kernel.couple;
    s.sums_up = kernel.sum >= 0;
    s.only_sums = kernel.only_sum;
    s.averages = kernel.average >= 0;
    s.overwrites = kernel.overwrite;
    s.average_keep = kernel.average_keep;
    s.half_state = kernel.storage == Storage::bf16;
    s.stochastic = kernel.stochastic;
    s.seed = kernel.seed;
    s.count = kernel.t;
    s.clipnorm = common.clipnorm;
    s.global_clipnorm = base_clip;
    s.scalars = scalars_;
    s.first_values = optimizer_.groups[0].values.data();
    s.index = std::uint32_t(batches_.size() - 1);
    s.workspace = workspace_;
    s.stream = stream_;
    return batch;
  }

  Optimizer& optimizer_;
  double* const scalars_;
  const DeviceWorkspace workspace_;
  const DeviceStream stream_;
  std::vector<Batch> batches_;
  std::uint32_t count_ = 0;
  std::size_t sums_ = 0;
};

}  // namespace

DeviceSpace device_space(const std::vector<const Parameter*>& parameters) {
  std::size_t sums = 0;
  for (const Parameter* p : parameters) sums += device_sums(p->layout.size);
  return {device_aligned(sums * max_sums * sizeof(double)), device_aligned(parameters.size() * sizeof(double)),
          device_aligned(parameters.size() * device_constants)};
}

DeviceWorkspace device_workspace(const DeviceSpace& space, std::byte* memory) {
  return {reinterpret_cast<double*>(memory), reinterpret_cast<double*>(memory + space.sums),
          memory + space.sums + space.scales};
}

DeviceError device_step(Optimizer& optimizer, const std::vector<DeviceGrad>& grads, const Optimizer::Idle& idle,
                        double* scalars, const DeviceWorkspace& workspace, DeviceStream stream) {
  const FlushSubnormals flush;  // for a build that has no GPU
  optimizer.load_hyperparameters();
  Step step(optimizer, scalars, workspace, stream);
  for (const DeviceGrad& grad : grads) step.add(*grad.parameter, grad.gradient, grad.dtype);
  const bool updates = optimizer.summed + 1 == optimizer.options.accumulate;
  if (const DeviceError error = step.run(updates)) return error;
  if (!updates) {
    ++optimizer.summed;
    return 0;
  }
  if (optimizer.options.average && !idle.empty()) {
    Step still(optimizer, scalars, workspace, stream);
    for (const Parameter* p : idle) still.add(*p, nullptr, p->dtype);
    if (const DeviceError error = still.average()) return error;
  }
  for (const DeviceGrad& grad : grads) optimizer.count_step(*grad.parameter);
  optimizer.count();
  return 0;
}

}  // namespace gs
