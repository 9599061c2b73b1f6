#include "train/cuda/device_network.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace gs {
namespace {

using Kind = DeviceStage::Kind;

void done(DeviceError error) { check_device(error, "a layer"); }

bool is_linear(const ActivationUse& activation) { return activation.is<Linear>(); }

}  // namespace

template <class Real>
DeviceNetwork<Real>::DeviceNetwork(const DeviceChain& chain, const DeviceWeights<Real>& weights, std::size_t most,
                                   bool training, int device)
    : chain_(chain),
      weights_(weights),
      most_(most),
      training_(training),
      first_(chain.stages.size()),
      values_(chain.stages.size()),
      outputs_(chain.stages.size()) {
  if (products_.missing()) throw std::runtime_error(std::string(products_.missing()) + ".");
  for (std::size_t s = chain.stages.size(); training && s-- > 0;) {
    const DeviceStage& stage = chain.stages[s];
    if (stage.kind != Kind::dense) continue;
    if (weights.of(stage.layer, 0).gradient || (stage.use_bias && weights.of(stage.layer, 1).gradient)) first_ = s;
  }
  // First how much memory, then where.
  std::size_t bytes = 0;
  lay_out([&](Real*&, std::size_t n) { bytes += device_aligned(n * sizeof(Real)); });
  memory_ = std::make_unique<DeviceMemory>(device, bytes);
  std::byte* next = memory_->data();
  lay_out([&](Real*& at, std::size_t n) {
    at = reinterpret_cast<Real*>(next);
    next += device_aligned(n * sizeof(Real));
  });
  std::size_t rows = most;
  for (const DeviceStage& stage : chain.stages) rows = std::max(rows, most * stage.rows);
  done(device_ones(real, rows, ones_));
}

template <class Real> template <class Take> void DeviceNetwork<Real>::lay_out(Take take) {
  std::size_t widest = chain_.rows * chain_.output, rows = 1;
  take(x_, most_ * chain_.input);
  for (std::size_t s = 0; s < values_.size(); ++s) {
    const DeviceStage& stage = chain_.stages[s];
    const std::size_t n = most_ * stage.rows * stage.out;
    const bool keeps = training_ && device_uses_input(stage.activation);
    take(values_[s].y, n);
    if (keeps) take(values_[s].z, n);
    widest = std::max({widest, stage.rows * stage.out, stage.rows * stage.in});
    rows = std::max(rows, stage.rows);
  }
  take(ones_, most_ * rows);
  for (Real*& dy : dy_)
    if (training_) take(dy, most_ * widest);
}

template <class Real> Draw DeviceNetwork<Real>::draw_of(const DeviceStage& stage, const DeviceBatch& batch) const {
  return {stage.key, batch.pass, drop_threshold(stage.rate), drop_scale(stage.rate)};
}

template <class Real>
void DeviceNetwork<Real>::dense_forward(const DeviceStage& stage, const Values& values, std::size_t rows) {
  const Real* const bias = stage.use_bias ? weights_.of(stage.layer, 1).w : nullptr;
  done(products_.multiply(real, {values.x}, {weights_.of(stage.layer, 0).w}, rows, stage.out, stage.in, values.y));
  if (bias || !is_linear(stage.activation))
    done(device_activate(real, stage.activation, values.y, bias, rows, stage.out, values.z, values.y));
}

template <class Real> void DeviceNetwork<Real>::forward(const DeviceBatch& batch) {
  done(device_gather(real, batch.x, batch.source, batch.rows, batch.count, chain_.input, x_));
  const Real* x = x_;
  for (std::size_t s = 0; s < values_.size(); ++s) {
    const DeviceStage& stage = chain_.stages[s];
    Values& v = values_[s];
    v.x = x;
    const std::size_t rows = batch.count * stage.rows;
    if (stage.kind == Kind::dense) {
      dense_forward(stage, v, rows);
    } else if (stage.kind == Kind::activation) {
      done(device_activate(real, stage.activation, x, nullptr, rows, stage.out, v.z, v.y));
    } else if (stage.kind == Kind::rescaling) {
      done(device_rescale(real, x, stage.scale, stage.offset, rows * stage.out, v.y));
    } else if (training_) {
      done(device_drop(real, x, rows, stage.out, batch.ids, draw_of(stage, batch), v.y));
    }
    if (stage.kind != Kind::dropout || training_) x = v.y;
    outputs_[s] = x;
  }
}

// d (rows, out), which becomes dz in place -> dx, which d then is; dw, db
template <class Real>
void DeviceNetwork<Real>::dense_backward(const DeviceStage& stage, const Values& values, std::size_t rows, Real*& d,
                                         Real*& other, bool is_first) {
  if (!is_linear(stage.activation))
    done(device_activation_grad(real, stage.activation, values.z, values.y, rows, stage.out, d));
  const DeviceWeight<Real>& w = weights_.of(stage.layer, 0);
  if (w.gradient) done(products_.multiply(real, {values.x, true}, {d}, stage.in, stage.out, rows, w.gradient));
  if (stage.use_bias)
    if (Real* const gradient = weights_.of(stage.layer, 1).gradient)
      done(products_.multiply(real, {ones_}, {d}, 1, stage.out, rows, gradient));
  if (is_first) return;
  done(products_.multiply(real, {d}, {w.w, true}, rows, stage.in, stage.out, other));
  std::swap(d, other);
}

template <class Real> void DeviceNetwork<Real>::backward(const DeviceBatch& batch) {
  Real *d = dy_[0], *other = dy_[1];
  for (std::size_t s = values_.size(); s-- > first_;) {
    const DeviceStage& stage = chain_.stages[s];
    const Values& v = values_[s];
    const std::size_t rows = batch.count * stage.rows;
    if (stage.kind == Kind::dense)
      dense_backward(stage, v, rows, d, other, s == first_);
    else if (stage.kind == Kind::activation)
      done(device_activation_grad(real, stage.activation, v.z, v.y, rows, stage.out, d));
    else if (stage.kind == Kind::rescaling)
      done(device_rescale(real, d, stage.scale, 0, rows * stage.out, d));
    else
      done(device_drop(real, d, rows, stage.out, batch.ids, draw_of(stage, batch), d));
  }
}

template class DeviceNetwork<float>;
template class DeviceNetwork<double>;

}  // namespace gs
