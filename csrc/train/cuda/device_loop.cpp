#include "train/cuda/device_loop.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <stdexcept>

#include "runtime/subnormals.hpp"

namespace gs {
namespace {

// Steps are queued, and wait at most so many of them for each other: so that a slice ends about when it should.
constexpr std::size_t most_queued = 16;

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

void done(DeviceError error) { check_device(error, "a batch"); }

std::unique_ptr<DeviceMemory> copy_of(const void* host, std::size_t bytes, int device) {
  auto memory = std::make_unique<DeviceMemory>(device, bytes);
  done(device_from_host(memory->data(), host, bytes));
  return memory;
}
template <class T> std::unique_ptr<DeviceMemory> copy_of(const std::vector<T>& host, int device) {
  return copy_of(host.data(), host.size() * sizeof(T), device);
}

template <class T> T* as(const DeviceMemory& memory) { return reinterpret_cast<T*>(memory.data()); }

void check(const DeviceProblem& problem) {
  if (!problem.why.empty()) throw std::invalid_argument("a GPU cannot compute a network that " + problem.why + ".");
}

template <class Real> DeviceChain checked_chain(const Network<Real>& network, const Scoring& scoring) {
  DeviceChain chain;
  check(device_chain(network, chain));
  check(device_problem(chain, scoring));
  return chain;
}

}  // namespace

template <class Real>
DeviceLoop<Real>::DeviceLoop(const Network<Real>& network, const Scoring& scoring, const Data& data,
                             std::size_t batch_size, Stepper* stepper, int device)
    : chain_(checked_chain(network, scoring)),
      scoring_(scoring),
      batch_size_(batch_size),
      device_(device),
      trains_(stepper),
      absorbed_(absorb(chain_, scoring.loss)),
      weights_(network, stepper, device),
      totals_(device, (1 + scoring.metrics.size()) * sizeof(double)) {
  take(data);
}

template <class Real> void DeviceLoop<Real>::make_room(std::size_t rows) {
  const std::size_t most = std::min(batch_size_, rows);
  if (network_ && most <= most_) return;
  network_.reset();
  network_ = std::make_unique<DeviceNetwork<Real>>(chain_, weights_, most, trains_, device_);
  values_ = std::make_unique<DeviceMemory>(device_, most * sizeof(double));
  outputs_ = std::make_unique<DeviceMemory>(device_, absorbed_ ? most * chain_.output * sizeof(Real) : 0);
  most_ = most;
  last_ = 0;
}

template <class Real> void DeviceLoop<Real>::take(const Data& data) {
  const CurrentDevice current(device_);
  if (data.rows > 0) {
    x_ = copy_of(data.x[0].at, data.rows * row_size(data.x[0].source, chain_.input), device_);
    y_ = copy_of(data.y[0].at, data.y[0].at ? data.rows * data.y[0].row_size : 0, device_);
  }
  data_ = data;
  start({}, 0);
}

template <class Real>
void DeviceLoop<Real>::start(std::vector<std::int64_t> order, std::uint32_t number,
                             const std::vector<std::int64_t>& ids) {
  const CurrentDevice current(device_);
  order_ = std::move(order);
  number_ = number;
  static_cast<Totals&>(*this) = {};
  head_totals.assign(1, 0);
  head_counts.assign(1, 0);
  metric_totals.assign(scoring_.metrics.size(), 0);
  if (order_.empty()) return;
  make_room(order_.size());
  rows_ = copy_of(order_, device_);
  ids_ = copy_of(ids.empty() ? order_ : ids, device_);
  if (scoring_.loss.info) find_scales(scoring_.loss);
  const std::vector<double> zeros(1 + scoring_.metrics.size());
  done(device_from_host(totals_.data(), zeros.data(), zeros.size() * sizeof(double)));
}

template <class Real> void DeviceLoop<Real>::find_scales(const LossUse& loss) {
  std::vector<double> scales(order_.size()), weights(most_);
  std::vector<std::uint8_t> mask(most_);
  const TargetRows& y = data_.y[0];
  for (std::size_t first = 0; first < order_.size(); first += batch_size_) {
    const std::size_t count = std::min(batch_size_, order_.size() - first);
    for (std::size_t i = 0; i < count; ++i) {
      const auto row = std::size_t(order_[first + i]);
      if (y.weights) weights[i] = y.weights[row];
      if (y.mask) mask[i] = y.mask[row];
    }
    loss.reduction_over(count, y.weights ? weights.data() : nullptr, y.mask ? mask.data() : nullptr)
        .gradient_scales(scales.data() + first);
  }
  scales_ = copy_of(scales, device_);
}

template <class Real> void DeviceLoop<Real>::step() {
  constexpr Dtype real = sizeof(Real) == 8 ? Dtype::f64 : Dtype::f32;
  const std::size_t count = std::min(batch_size_, order_.size() - rows);
  const std::int64_t* const which = as<std::int64_t>(*rows_) + rows;
  const DeviceBatch batch{x_->data(), data_.x[0].source, which, as<std::int64_t>(*ids_) + rows, count, number_};
  network_->forward(batch);
  const bool reads_outputs = scoring_.outputs || !scoring_.metrics.empty();
  const void* outputs = network_->y();
  if (absorbed_ && reads_outputs) {
    ActivationUse last;
    last.index = scoring_.loss.info->absorbs;
    done(device_activate(real, last, outputs, nullptr, count, chain_.output, nullptr, outputs_->data()));
    outputs = outputs_->data();
  }
  double *const values = as<double>(*values_), *const totals = as<double>(totals_);
  if (const ScoreInfo* const loss = scoring_.loss.info) {
    const double* const scales = as<double>(*scales_) + rows;
    done(device_loss(real, loss->index, absorbed_ || scoring_.loss.of_logits, scoring_.loss.settings.data(),
                     {y_->data(), which, network_->y(), count, chain_.output}, scales, values,
                     trains_ ? network_->dy() : nullptr));
    done(device_add(scales, values, count, double(count), totals));
  }
  const DeviceRows scored{y_->data(), which, outputs, count, chain_.output};
  for (std::size_t m = 0; m < scoring_.metrics.size(); ++m) {
    const ScoreInfo& metric = *scoring_.metrics[m];
    done(metric.is_loss ? device_loss(real, metric.index, false, nullptr, scored, nullptr, values, nullptr)
                        : device_accuracy(real, metric.index, scored, values));
    done(device_add(nullptr, values, count, 1, totals + 1 + m));
  }
  if (trains_) {
    network_->backward(batch);
    weights_.step();
  }
  rows += count;
  head_counts[0] += double(count);
  last_ = count;
  ++batches;
}

template <class Real> void DeviceLoop<Real>::read_totals() {
  std::vector<double> all(1 + metric_totals.size());
  done(device_to_host(all.data(), totals_.data(), all.size() * sizeof(double)));
  loss_total = all[0];
  std::copy(all.begin() + 1, all.end(), metric_totals.begin());
}

template <class Real> bool DeviceLoop<Real>::advance(double seconds, const Guard& guard) {
  const CurrentDevice current(device_);
  done(current.error);
  const FlushSubnormals flush;  // for a build that has no GPU
  const double begin = now();
  weights_.upload();
  const double there = now();
  const double end = there + (seconds > 0 ? std::max(seconds, 9 * copying_) : 0);
  while (rows < order_.size()) {
    step();
    if (batches % most_queued == 0) read_totals();
    if (now() >= end || guard.contended()) break;
  }
  read_totals();
  const double last = now();
  if (trains_) weights_.download();
  copying_ = (there - begin) + (now() - last);
  return rows == order_.size();
}

template <class Real> void DeviceLoop<Real>::read_outputs(Real* to) const {
  const CurrentDevice current(device_);
  const void* const from = absorbed_ ? static_cast<const void*>(outputs_->data()) : network_->y();
  done(device_to_host(to, from, last_ * chain_.rows * chain_.output * sizeof(Real)));
}

template <class Real>
std::size_t device_predict(const Network<Real>& network, const Data& data, Real* out, std::size_t batch_size,
                           std::size_t begin, double seconds, const Guard& guard, int device) {
  DeviceChain chain;
  check(device_chain(network, chain));
  const CurrentDevice current(device);
  done(current.error);
  const FlushSubnormals flush;
  const std::size_t most = std::min(batch_size, std::max<std::size_t>(data.rows, 1));
  DeviceWeights<Real> weights(network, nullptr, device);
  DeviceNetwork<Real> passes(chain, weights, most, false, device);
  const InputRows& x = data.x[0];
  const std::size_t row = row_size(x.source, chain.input), n = chain.rows * chain.output;
  const DeviceMemory rows(device, most * row);
  std::vector<std::int64_t> numbers(most);
  std::iota(numbers.begin(), numbers.end(), 0);
  const auto places = copy_of(numbers, device);
  const std::int64_t* const which = as<std::int64_t>(*places);
  weights.upload();
  const double end = now() + seconds;
  while (begin < data.rows) {
    const std::size_t count = std::min(batch_size, data.rows - begin);
    done(device_from_host(rows.data(), x.at + begin * row, count * row));
    passes.forward({rows.data(), x.source, which, which, count, 0});
    done(device_to_host(out + begin * n, passes.y(), count * n * sizeof(Real)));
    begin += count;
    if (now() >= end || guard.contended()) break;
  }
  return begin;
}

template class DeviceLoop<float>;
template class DeviceLoop<double>;
template std::size_t device_predict(const Network<float>&, const Data&, float*, std::size_t, std::size_t, double,
                                    const Guard&, int);
template std::size_t device_predict(const Network<double>&, const Data&, double*, std::size_t, std::size_t, double,
                                    const Guard&, int);

}  // namespace gs
