#include "train/loop/train_loop.hpp"

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "runtime/clock.hpp"

namespace gs {

template <class Real>
void set_all_rows(Executor<Real>& executor, const Network<Real>& network, const Data& data, std::uint32_t number) {
  executor.begin(number);
  for (std::size_t i = 0; i < executor.batch; ++i) executor.set_id(i, std::int64_t(i));
  set_inputs(executor, network, data, [](std::size_t i) { return i; });
  for (std::size_t k = 0; k < data.y.size(); ++k) {
    Head<Real>& head = executor.heads[k];
    if (head.targets.empty()) continue;
    const TargetRows& from = data.y[k];
    const std::size_t part = from.row_size / head.parts;
    for (std::size_t i = 0; i < head.rows; ++i) head.targets[i] = from.at + i * part;
    head.set_sample_weights(from.weights, from.mask);
  }
}

template <class Real>
TrainLoop<Real>::TrainLoop(const Network<Real>& network, std::vector<Scoring> scorings, const Data& data,
                           std::size_t batch_size, Stepper* stepper, std::vector<Real*> gradients, bool in_shards)
    : network_(network),
      scorings_(std::move(scorings)),
      data_(data),
      batch_size_(batch_size),
      stepper_(stepper),
      weights_(weights_over(network, data)),
      step_(weights_, scorings_, gradients.empty() ? stepper : nullptr),
      given_(!gradients.empty()),
      in_shards_(in_shards),
      selected_(scorings_.size()) {
  start({}, 0);
  for (auto& layer : weights_)
    for (auto& weight : layer)
      if (given_ && weight.trainable()) weight.gradient = gradients[weight.number];
  if (!given_ || !stepper_) return;
  std::vector<ParamGrad> all;
  for (std::size_t k = 0; k < gradients.size(); ++k) {
    Parameter* const parameter = stepper_->owners()[k].parameter;
    all.push_back({parameter, reinterpret_cast<const std::byte*>(gradients[k]), &contiguous_, parameter->dtype});
  }
  stepper_->take(std::move(all));
}

template <class Real> void TrainLoop<Real>::find_penalty() {
  if (!stepper_ && !given_) penalty_ = network_.penalty();
}

template <class Real> void TrainLoop<Real>::drop_executors() {
  whole_.reset();
  rest_.reset();
  last_ = nullptr;
}

template <class Real> void TrainLoop<Real>::take(const Data& data) {
  const auto same_input = [](const InputRows& a, const InputRows& b) { return a.source == b.source; };
  const auto same_target = [](const TargetRows& a, const TargetRows& b) {
    return !a.weights == !b.weights && !a.mask == !b.mask;
  };
  for (std::size_t k = 0; k < data.x.size(); ++k)
    if ((data.x[k].source == Source::sparse) != (data_.x[k].source == Source::sparse))
      throw std::invalid_argument("x must be sparse where that of the run is, and nowhere else.");
  if (!std::equal(data.x.begin(), data.x.end(), data_.x.begin(), same_input) ||
      !std::equal(data.y.begin(), data.y.end(), data_.y.begin(), same_target))
    drop_executors();
  data_ = data;
  start({}, 0);
}

template <class Real>
void TrainLoop<Real>::start(RowOrder order, std::uint32_t number, std::vector<std::int64_t> ids, bool by_buckets) {
  if (is_within_) last_->restore_statistics();
  is_within_ = false;
  order_ = std::move(order);
  ids_ = std::move(ids);
  number_ = number;
  by_buckets_ = by_buckets;
  sum_ = nullptr;
  static_cast<Totals&>(*this) = {};
  head_totals.assign(scorings_.size(), 0);
  head_counts.assign(scorings_.size(), 0);
  std::size_t metrics = 0;
  for (const Scoring& scoring : scorings_) metrics += scoring.metrics.size();
  metric_totals.assign(metrics, 0);
}

template <class Real>
void TrainLoop<Real>::sum_gradients(const Real* x, double* sum, const std::vector<std::size_t>& places) {
  sum_ = sum;
  places_ = places;
  for (const auto& layer : weights_)
    for (const Weight<Real>& weight : layer) {
      if (!weight.trainable()) continue;
      std::copy_n(x + places[weight.number], weight.attributes->size(), weight.w);
      std::fill_n(sum + places[weight.number], weight.attributes->size(), 0.0);
    }
}

template <class Real> bool TrainLoop<Real>::is_at(const Real* x, const std::vector<std::size_t>& places) const {
  for (const auto& layer : weights_)
    for (const Weight<Real>& weight : layer)
      if (weight.trainable() && !std::equal(weight.w, weight.w + weight.attributes->size(), x + places[weight.number]))
        return false;
  return true;
}

template <class Real> void TrainLoop<Real>::add_gradients(ThreadTeam& team, std::size_t batch) {
  if (!sum_) return;
  constexpr std::size_t chunk = 1 << 14;
  const double share = double(batch) / double(order_.size());
  for (const auto& layer : weights_)
    for (const Weight<Real>& weight : layer) {
      if (!weight.trainable()) continue;
      const std::size_t size = weight.attributes->size();
      double* const to = sum_ + places_[weight.number];
      const Real* const from = weight.gradient;
      team.stage((size + chunk - 1) / chunk, [=](std::size_t i, int) {
        const std::size_t last = std::min(size, (i + 1) * chunk);
        for (std::size_t k = i * chunk; k < last; ++k) to[k] += share * double(from[k]);
      });
    }
}

template <class Real> Executor<Real>& TrainLoop<Real>::executor(std::size_t batch) {
  auto& slot = batch == batch_size_ ? whole_ : rest_;
  if (!slot || slot->batch != batch) {
    std::vector<Source> sources;
    for (const InputRows& input : data_.x) sources.push_back(input.source);
    slot = std::make_unique<Executor<Real>>(network_, batch, stepper_ || given_ ? Mode::train : Mode::score, scorings_,
                                            weights_, step_.epilogue(), sources, TangentUse{}, in_shards_);
  }
  return *slot;
}

template <class Real> bool TrainLoop<Real>::set_rows(Executor<Real>& executor) {
  for (std::size_t k = 0; k < scorings_.size(); ++k)
    if (scorings_[k].labels() && !set_labels(k, executor.heads[k])) return false;
  last_ = &executor;
  at_ = rows;
  executor.begin(number_);
  const std::int64_t* const ids = ids_.empty() ? order_.data() : ids_.data();
  for (std::size_t i = 0; i < executor.batch; ++i) executor.set_id(i, ids[rows + i]);
  const std::int64_t* const order = order_.data() + rows;
  set_inputs(executor, network_, data_, [=](std::size_t i) { return std::size_t(order[i]); });
  for (std::size_t k = 0; k < scorings_.size(); ++k)
    if (!executor.heads[k].targets.empty()) set_targets(k, executor.heads[k]);
  return true;
}

// In a shuffled order no prefetcher sees which rows come: waiting for them takes longer than a small network's step.
template <class Real> void TrainLoop<Real>::fetch_next(std::size_t batch) const {
  constexpr std::size_t near = 1 << 17, far = 1 << 18;  // bytes: of a batch, and of data in no near cache
  const std::size_t first = rows + batch, last = std::min(first + batch, order_.size());
  const auto fetch = [&](const std::byte* from, std::size_t size) INLINED {
    if (batch * size > near || data_.rows * size < far) return;
    constexpr std::uintptr_t line = 64;
    for (std::size_t i = first; i < last; ++i) {
      const std::byte* const row = from + std::size_t(order_[i]) * size;
      const std::byte* at = row - reinterpret_cast<std::uintptr_t>(row) % line;
      for (; at < row + size; at += line) __builtin_prefetch(at, 0, 2);
    }
  };
  for (std::size_t k = 0; k < data_.x.size(); ++k)
    if (const InputRows& x = data_.x[k]; x.source != Source::sparse)
      fetch(x.at, row_size(x.source, network_.input_size(k)));
  for (const TargetRows& y : data_.y) fetch(y.at, y.row_size);
  asm volatile("");  // or GCC takes all of this for nothing, and leaves out the call
}

template <class Real>
void TrainLoop<Real>::count(const std::vector<Head<Real>>& heads, std::size_t batch, double penalty) {
  // One thread, in the order of the rows: the same sum however the rows were shared out.
  double total = 0;
  std::size_t next = 0;
  for (std::size_t k = 0; k < heads.size(); ++k) {
    const Head<Real>& head = heads[k];
    if (head.has_loss()) {
      const auto of_head = head.totals();
      total += of_head.total;
      if (heads.size() > 1) head_totals[k] += of_head.own;
    }
    head_counts[k] += head.counted();
    for (std::size_t m = 0; m < head.metrics(); ++m) head.add_metric(m, metric_totals[next++]);
  }
  const double samples = double(batch);
  loss_total += total + by_caller_ * samples + samples * penalty;
  for (std::size_t k = 0; k < own_.size(); ++k) head_totals[k] += own_[k] * samples;
  rows += batch;
  ++batches;
}

template <class Real>
void TrainLoop<Real>::step(ThreadTeam& team, Executor<Real>& executor, std::vector<double>* times) {
  step_.choose_places(executor, &executor == whole_.get() ? rest_.get() : whole_.get());
  if (!set_rows(executor)) return;
  fetch_next(executor.batch);
  take_step(
      executor, [&] { times ? executor.run_timed(team, *times) : executor.run(team); },
      [&](const auto& work) { work(team); }, [&] { count(executor); });
  add_gradients(team, executor.batch);
}

template <class Real> void TrainLoop<Real>::step(Executor<Real>& executor) {
  step_.choose_places(executor, &executor == whole_.get() ? rest_.get() : whole_.get());
  if (!set_rows(executor)) return;
  take_step(
      executor, [&] { pass(executor); }, [&](const auto& work) { ThreadTeam::run(executor.threads(), work); },
      [&] { count(executor); });
  if (sum_) ThreadTeam::run(executor.threads(), [&](ThreadTeam& team) { add_gradients(team, executor.batch); });
}

template <class Real> void TrainLoop<Real>::pass(Executor<Real>& executor) {
  by_caller_ = 0;
  own_.clear();
  if (!executor.has_halves()) return executor.run();
  executor.run_forward();
  ask_losses(executor);
  executor.run_backward();
}

template <class Real> void TrainLoop<Real>::ask_losses(Executor<Real>& executor) {
  own_.resize(scorings_.size());
  for (std::size_t k = 0; k < scorings_.size(); ++k) {
    Head<Real>& head = executor.heads[k];
    if (scorings_[k].by_caller) by_caller_ += ask_loss(k, head, order_.data() + at_, executor.batch, own_[k], head.dy);
  }
}

template <class Real> bool TrainLoop<Real>::advance(double seconds, const Guard& guard) {
  if (in_shards_) return advance_shard();
  const Clock clock(seconds);
  const RowsUpToDate at_end{step_};
  find_penalty();
  step_.forget();
  bad_label_ = {};
  while (rows < order_.size()) {
    Executor<Real>& now = executor(std::min(batch_size_, order_.size() - rows));
    bool over = false;
    const auto ends = [&] {
      return clock.is_over() || refused() || bad_label_.row >= 0 || guard.contended() || step_.is_full();
    };
    if (is_apart(now)) {
      step(now);
      over = ends();
    } else {
      ThreadTeam::run(now.threads(), [&](ThreadTeam& team) {
        do {
          step(team, now);
          over = ends();
          if (!over) team.poll();
        } while (!over && order_.size() - rows >= now.batch);
      });
    }
    if (over) break;
  }
  return rows == order_.size();
}

template <class Real> bool TrainLoop<Real>::update() {
  bool is_made = false;
  stepper_->begin(nullptr);
  ThreadTeam::run(last_ ? last_->threads() : 1, [&](ThreadTeam& team) {
    is_made = stepper_->step(team);
    if (is_made) follow_step(weights_, *stepper_, team);
  });
  return is_made;
}

template <class Real> std::vector<std::pair<std::string, double>> TrainLoop<Real>::profile(double seconds) {
  const Clock clock(seconds);
  const RowsUpToDate at_end{step_};
  find_penalty();
  bad_label_ = {};
  Executor<Real>& now = executor(batch_size_);
  std::vector<double> times;
  ThreadTeam::run(now.threads(), [&](ThreadTeam& team) {
    while (!clock.is_over() && bad_label_.row < 0 && !step_.is_full() && order_.size() - rows >= batch_size_)
      step(team, now, &times);
  });
  std::vector<std::pair<std::string, double>> named;
  for (std::size_t k = 0; k < times.size(); ++k) named.emplace_back(now.stages().name(k), times[k]);
  return named;
}

template void set_all_rows(Executor<float>&, const Network<float>&, const Data&, std::uint32_t);
template void set_all_rows(Executor<double>&, const Network<double>&, const Data&, std::uint32_t);
template class TrainLoop<float>;
template class TrainLoop<double>;

}  // namespace gs
