#include "train/train_loop.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <tuple>

namespace gs {
namespace {

class Clock {
 public:
  explicit Clock(double seconds)
      : end_(Now::now() + std::chrono::duration_cast<Now::duration>(std::chrono::duration<double>(seconds))) {}
  bool is_over() const { return Now::now() >= end_; }

 private:
  using Now = std::chrono::steady_clock;
  const Now::time_point end_;
};

}  // namespace

template <class Real> std::vector<std::vector<Weight<Real>>> plain_weights(const Network<Real>& network) {
  std::vector<std::vector<Weight<Real>>> all;
  std::size_t number = 0;
  for (const auto& layer : network.weights) {
    all.emplace_back(layer.size());
    const auto& attributes = network.attributes[all.size() - 1];
    for (std::size_t i = 0; i < layer.size(); ++i) {
      Weight<Real>& weight = all.back()[i];
      weight.w = layer[i];
      weight.attributes = attributes[i];
      if (weight.trainable()) weight.number = number++;
    }
  }
  return all;
}

template <class Real>
TrainLoop<Real>::TrainLoop(const Network<Real>& network, const Scoring& scoring, const Data& data,
                           std::size_t batch_size, Optimizer* optimizer, std::vector<const Parameter*> parameters,
                           std::vector<Real*> gradients)
    : network_(network),
      scoring_(scoring),
      data_(data),
      batch_size_(batch_size),
      optimizer_(optimizer),
      parameters_(std::move(parameters)),
      weights_(plain_weights(network)),
      given_(!gradients.empty()) {
  totals.assign(1 + scoring.metrics.size(), 0);
  for (auto& layer : weights_)
    for (auto& weight : layer) {
      if (!weight.trainable()) continue;
      if (given_) weight.gradient = gradients[weight.number];
      if (!optimizer) continue;
      const auto& state = parameters_[weight.number]->state;
      std::copy(state.begin(), state.end(), weight.state);
    }
}

template <class Real> void TrainLoop<Real>::find_penalty() {
  if (!optimizer_ && !given_) penalty_ = network_.penalty();
}

template <class Real> void TrainLoop<Real>::choose_places(Executor<Real>& executor) {
  if (!optimizer_ || parameters_.empty()) return;
  const bool wanted = optimizer_->needs_whole() || executor.is_long();
  if (wanted == executor.stores()) return;
  if (!wanted) {
    executor.store_gradients({});
    const auto stores = [](const auto& executor) { return executor && executor->stores(); };
    if (stores(whole_) || stores(rest_)) return;
    gradients_ = Buffer<Real>(0);
    places_.clear();
    grads_.clear();
    return;
  }
  if (places_.empty()) {
    std::size_t size = 0;
    for (const Parameter* p : parameters_) size += align<Real>(p->layout.size);
    gradients_ = Buffer<Real>(size);
    Real* next = gradients_.data();
    for (const Parameter* p : parameters_) {
      places_.push_back(next);
      grads_.push_back({p, reinterpret_cast<const std::byte*>(next), &contiguous_, p->dtype});
      next += align<Real>(p->layout.size);
    }
  }
  executor.store_gradients(places_);
}

template <class Real> void TrainLoop<Real>::drop_executors() {
  whole_.reset();
  rest_.reset();
  last_ = nullptr;
}

template <class Real> void TrainLoop<Real>::take(const Data& data) {
  const auto kind = [](const Data& d) { return std::make_tuple(d.source, d.weights != nullptr, d.mask != nullptr); };
  if (kind(data) != kind(data_)) drop_executors();
  data_ = data;
  start({}, 0);
}

template <class Real> void TrainLoop<Real>::start(std::vector<std::int64_t> order, std::uint32_t number) {
  order_ = std::move(order);
  number_ = number;
  batches = rows = 0;
  std::fill(totals.begin(), totals.end(), 0);
}

template <class Real> Executor<Real>& TrainLoop<Real>::executor(std::size_t batch) {
  auto& slot = batch == batch_size_ ? whole_ : rest_;
  if (!slot || slot->batch != batch)
    slot = std::make_unique<Executor<Real>>(network_, batch, optimizer_ || given_ ? Mode::train : Mode::score, scoring_,
                                            weights_, epilogue_, data_.source);
  return *slot;
}

template <class Real> bool TrainLoop<Real>::set_rows(Executor<Real>& executor) {
  const std::size_t row_size = network_.inputs * item_size(data_.source);
  labels_of_rows_.resize(scoring_.labels() ? batch_size_ : 0);
  for (std::size_t i = 0; !labels_of_rows_.empty() && i < executor.batch; ++i) {
    const std::int64_t row = order_[rows + i];
    std::int64_t& label = labels_of_rows_[i];
    std::memcpy(&label, data_.y + std::size_t(row) * data_.target_size, sizeof label);
    if (scoring_.admits(label, network_.outputs)) continue;
    bad_row_ = row;
    bad_label_ = label;
    return false;
  }
  last_ = &executor;
  at_ = rows;
  executor.begin(number_);
  for (std::size_t i = 0; i < executor.batch; ++i) {
    const std::size_t row = std::size_t(order_[rows + i]);
    executor.set_row(i, order_[rows + i], data_.x + row * row_size);
    executor.targets[i] =
        labels_of_rows_.empty() ? data_.y + row * data_.target_size : static_cast<const void*>(&labels_of_rows_[i]);
  }
  if (!data_.weights && !data_.mask) return true;
  const auto select = [&](const auto* from, auto& to) {
    to.resize(from ? batch_size_ : 0);
    for (std::size_t i = 0; from && i < executor.batch; ++i) to[i] = from[order_[rows + i]];
    return from ? to.data() : nullptr;
  };
  const double* weights = select(data_.weights, weights_of_rows_);
  executor.set_sample_weights(weights, select(data_.mask, mask_of_rows_));
  return true;
}

template <class Real>
template <class Work>
void TrainLoop<Real>::update(ThreadTeam& team, Executor<Real>& executor, Work work) {
  const bool at_once = optimizer_ && !executor.stores();
  const std::int64_t steps = optimizer_ ? optimizer_->t : 0;
  if (at_once) {
    optimizer_->load_hyperparameters();
    epilogue_.kernels.clear();
    for (const Parameter* p : parameters_) epilogue_.kernels.push_back(&optimizer_->update_kernel(*p));
  }
  try {
    work();
    if (at_once) {
      for (const Parameter* p : parameters_) optimizer_->count_step(*p);
      optimizer_->count();
    } else if (optimizer_ && optimizer_->step(grads_, &team) == Optimizer::Outcome::nonfinite) {
      refused_ = optimizer_->options.nonfinite == Options::Nonfinite::raise;
    }
  } catch (const Cancelled&) {
    executor.restore_statistics();
    throw;
  }
  if (refused_) executor.restore_statistics();
  if (optimizer_) constrain_all(team, optimizer_->t > steps);
}

template <class Real> void TrainLoop<Real>::count(const Executor<Real>& executor, double total) {
  // One thread, in the order of the rows: the same sum however the rows were shared out.
  totals[0] += total + double(executor.batch) * (executor.backward() ? executor.penalty() : penalty_);
  for (std::size_t s = 1; s < totals.size(); ++s)
    for (const double value : executor.values[s]) totals[s] += value;
  rows += executor.batch;
  ++batches;
}

template <class Real> void TrainLoop<Real>::constrain_all(ThreadTeam& team, bool updated) {
  for (const auto& layer : weights_)
    for (const auto& weight : layer) {
      const WeightAttributes& t = *weight.attributes;
      if (!t.follows_steps()) continue;
      const double proximal = updated ? t.penalty.proximal : 0;
      const double rate = proximal == 0 ? 0 : optimizer_->learning_rate(*parameters_[weight.number]);
      constrain(weight.w, t, proximal * rate, team);
    }
}

template <class Real>
void TrainLoop<Real>::step(ThreadTeam& team, Executor<Real>& executor, std::vector<double>* times) {
  choose_places(executor);
  if (!set_rows(executor)) return;
  update(team, executor, [&] { times ? executor.run_timed(team, *times) : executor.run(team); });
  count(executor, executor.total());
}

template <class Real> Executor<Real>* TrainLoop<Real>::forward(bool again) {
  find_penalty();
  refused_ = false;
  bad_row_ = -1;
  if (!again) {
    if (rows >= order_.size()) return nullptr;
    if (!set_rows(executor(std::min(batch_size_, order_.size() - rows)))) return nullptr;
  }
  if (last_) choose_places(*last_);
  if (last_) ThreadTeam::run(last_->threads(), [&](ThreadTeam& team) { last_->run_forward(team); });
  return last_;
}

template <class Real> void TrainLoop<Real>::backward(double loss, bool again) {
  ThreadTeam::run(last_->threads(),
                  [&](ThreadTeam& team) { update(team, *last_, [&] { last_->run_backward(team); }); });
  if (!again) count(*last_, loss * double(last_->batch));
}

template <class Real> bool TrainLoop<Real>::advance(double seconds, const Guard& guard) {
  const Clock clock(seconds);
  find_penalty();
  refused_ = false;
  bad_row_ = -1;
  while (rows < order_.size()) {
    Executor<Real>& now = executor(std::min(batch_size_, order_.size() - rows));
    bool over = false;
    ThreadTeam::run(now.threads(), [&](ThreadTeam& team) {
      do {
        step(team, now);
        over = clock.is_over() || refused_ || bad_row_ >= 0 || guard.contended();
        if (!over) team.poll();
      } while (!over && order_.size() - rows >= now.batch);
    });
    if (over) break;
  }
  return rows == order_.size();
}

template <class Real> void TrainLoop<Real>::again() {
  if (last_) ThreadTeam::run(last_->threads(), [&](ThreadTeam& team) { last_->run(team); });
}

template <class Real> std::vector<std::pair<std::string, double>> TrainLoop<Real>::profile(double seconds) {
  const Clock clock(seconds);
  find_penalty();
  bad_row_ = -1;
  Executor<Real>& now = executor(batch_size_);
  std::vector<double> times;
  ThreadTeam::run(now.threads(), [&](ThreadTeam& team) {
    while (!clock.is_over() && bad_row_ < 0 && order_.size() - rows >= batch_size_) step(team, now, &times);
  });
  std::vector<std::pair<std::string, double>> named;
  for (std::size_t k = 0; k < times.size(); ++k) named.emplace_back(now.schedule().stage_name(k), times[k]);
  return named;
}

template <class Real>
std::size_t Predictor<Real>::advance(const Data& data, Real* out, std::size_t begin, double seconds,
                                     const Guard& guard) {
  const Clock clock(seconds);
  const std::size_t rows = data.rows, row_size = network_.inputs * item_size(data.source);
  const auto weights = plain_weights(network_);
  std::unique_ptr<Executor<Real>> executor;
  while (begin < rows) {
    const std::size_t batch = std::min(batch_size_, rows - begin);
    if (!executor || executor->batch != batch)
      executor =
          std::make_unique<Executor<Real>>(network_, batch, Mode::predict, Scoring{}, weights, none_, data.source);
    bool over = false;
    ThreadTeam::run(executor->threads(), [&](ThreadTeam& team) {
      do {
        for (std::size_t i = 0; i < batch; ++i) executor->x[i] = data.x + (begin + i) * row_size;
        executor->run(team);
        std::copy(executor->outputs, executor->outputs + batch * network_.outputs, out + begin * network_.outputs);
        begin += batch;
        over = clock.is_over() || guard.contended();
        if (!over) team.poll();
      } while (!over && rows - begin >= batch);
    });
    if (over) break;
  }
  return begin;
}

template std::vector<std::vector<Weight<float>>> plain_weights(const Network<float>&);
template std::vector<std::vector<Weight<double>>> plain_weights(const Network<double>&);
template class TrainLoop<float>;
template class TrainLoop<double>;
template class Predictor<float>;
template class Predictor<double>;

}  // namespace gs
