#include "train/run.hpp"

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
    const auto& treatments = network.treatments[all.size() - 1];
    for (std::size_t i = 0; i < layer.size(); ++i) {
      Weight<Real>& weight = all.back()[i];
      weight.w = layer[i];
      weight.treatment = treatments[i];
      if (weight.trainable()) weight.number = number++;
    }
  }
  return all;
}

template <class Real>
Run<Real>::Run(const Network<Real>& network, const Scoring& scoring, const Data& data, std::size_t batch_size,
               Optimizer* optimizer, std::vector<const Parameter*> parameters, std::vector<Real*> gradients)
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

template <class Real> void Run<Real>::find_penalty() {
  if (!optimizer_ && !given_) penalty_ = network_.penalty();
}

template <class Real> void Run<Real>::choose_places(Pass<Real>& pass) {
  if (!optimizer_ || parameters_.empty()) return;
  const bool wanted = optimizer_->needs_whole() || pass.is_long();
  if (wanted == pass.stores()) return;
  if (!wanted) {
    pass.leave_gradients({});
    const auto stores = [](const auto& pass) { return pass && pass->stores(); };
    if (stores(whole_) || stores(rest_)) return;
    gradients_ = Buffer<Real>(0);
    places_.clear();
    moves_.clear();
    return;
  }
  if (places_.empty()) {
    std::size_t size = 0;
    for (const Parameter* p : parameters_) size += on_border<Real>(p->layout.size);
    gradients_ = Buffer<Real>(size);
    Real* next = gradients_.data();
    for (const Parameter* p : parameters_) {
      places_.push_back(next);
      moves_.push_back({p, reinterpret_cast<const std::byte*>(next), &contiguous_, p->dtype});
      next += on_border<Real>(p->layout.size);
    }
  }
  pass.leave_gradients(places_);
}

template <class Real> void Run<Real>::drop_passes() {
  whole_.reset();
  rest_.reset();
  last_ = nullptr;
}

template <class Real> void Run<Real>::take(const Data& data) {
  const auto kind = [](const Data& d) { return std::make_tuple(d.source, d.weights != nullptr, d.mask != nullptr); };
  if (kind(data) != kind(data_)) drop_passes();
  data_ = data;
  start({}, 0);
}

template <class Real> void Run<Real>::start(std::vector<std::int64_t> order, std::uint32_t number) {
  order_ = std::move(order);
  number_ = number;
  batches = rows = 0;
  std::fill(totals.begin(), totals.end(), 0);
}

template <class Real> Pass<Real>& Run<Real>::pass(std::size_t batch) {
  auto& slot = batch == batch_size_ ? whole_ : rest_;
  if (!slot || slot->batch != batch)
    slot = std::make_unique<Pass<Real>>(network_, batch, optimizer_ || given_ ? Goal::train : Goal::score, scoring_,
                                        weights_, mover_, data_.source);
  return *slot;
}

template <class Real> bool Run<Real>::set_rows(Pass<Real>& pass) {
  const std::size_t row_size = network_.inputs * item_size(data_.source);
  labels_of_rows_.resize(scoring_.labels() ? batch_size_ : 0);
  for (std::size_t i = 0; !labels_of_rows_.empty() && i < pass.batch; ++i) {
    const std::int64_t row = order_[rows + i];
    std::int64_t& label = labels_of_rows_[i];
    std::memcpy(&label, data_.y + std::size_t(row) * data_.target_size, sizeof label);
    if (scoring_.admits(label, network_.outputs)) continue;
    bad_row_ = row;
    bad_label_ = label;
    return false;
  }
  last_ = &pass;
  at_ = rows;
  pass.begin(number_);
  for (std::size_t i = 0; i < pass.batch; ++i) {
    const std::size_t row = std::size_t(order_[rows + i]);
    pass.set_row(i, order_[rows + i], data_.x + row * row_size);
    pass.targets[i] =
        labels_of_rows_.empty() ? data_.y + row * data_.target_size : static_cast<const void*>(&labels_of_rows_[i]);
  }
  if (!data_.weights && !data_.mask) return true;
  const auto gather = [&](const auto* from, auto& to) {
    to.resize(from ? batch_size_ : 0);
    for (std::size_t i = 0; from && i < pass.batch; ++i) to[i] = from[order_[rows + i]];
    return from ? to.data() : nullptr;
  };
  const double* weights = gather(data_.weights, weights_of_rows_);
  pass.weigh(weights, gather(data_.mask, mask_of_rows_));
  return true;
}

template <class Real> template <class Work> void Run<Real>::move(Crew& crew, Pass<Real>& pass, Work work) {
  const bool at_once = optimizer_ && !pass.stores();
  const std::int64_t steps = optimizer_ ? optimizer_->t : 0;
  if (at_once) {
    optimizer_->follow();
    mover_.manners.clear();
    for (const Parameter* p : parameters_) mover_.manners.push_back(&optimizer_->manner(*p));
  }
  try {
    work();
    if (at_once) {
      for (const Parameter* p : parameters_) optimizer_->moved(*p);
      optimizer_->count();
    } else if (optimizer_ && optimizer_->step(moves_, &crew) == Optimizer::Outcome::nonfinite) {
      refused_ = optimizer_->options.nonfinite == Options::Nonfinite::raise;
    }
  } catch (const Cancelled&) {
    pass.put_back();
    throw;
  }
  if (refused_) pass.put_back();
  if (optimizer_) constrain_all(crew, optimizer_->t > steps);
}

template <class Real> void Run<Real>::count(const Pass<Real>& pass, double total) {
  // One thread, in the order of the rows: the same sum however the rows were shared out.
  totals[0] += total + double(pass.batch) * (pass.backward() ? pass.penalty() : penalty_);
  for (std::size_t s = 1; s < totals.size(); ++s)
    for (const double value : pass.values[s]) totals[s] += value;
  rows += pass.batch;
  ++batches;
}

template <class Real> void Run<Real>::constrain_all(Crew& crew, bool moved) {
  for (const auto& layer : weights_)
    for (const auto& weight : layer) {
      const Treatment& t = *weight.treatment;
      if (!t.follows_steps()) continue;
      const double proximal = moved ? t.penalty.proximal : 0;
      const double rate = proximal == 0 ? 0 : optimizer_->learning_rate(*parameters_[weight.number]);
      constrain(weight.w, t, proximal * rate, crew);
    }
}

template <class Real> void Run<Real>::step(Crew& crew, Pass<Real>& pass, std::vector<double>* times) {
  choose_places(pass);
  if (!set_rows(pass)) return;
  move(crew, pass, [&] { times ? pass.run_timed(crew, *times) : pass.run(crew); });
  count(pass, pass.total());
}

template <class Real> Pass<Real>* Run<Real>::forward(bool again) {
  find_penalty();
  refused_ = false;
  bad_row_ = -1;
  if (!again) {
    if (rows >= order_.size()) return nullptr;
    if (!set_rows(pass(std::min(batch_size_, order_.size() - rows)))) return nullptr;
  }
  if (last_) choose_places(*last_);
  if (last_) Crew::gather(last_->threads(), [&](Crew& crew) { last_->run_forward(crew); });
  return last_;
}

template <class Real> void Run<Real>::backward(double loss, bool again) {
  Crew::gather(last_->threads(), [&](Crew& crew) { move(crew, *last_, [&] { last_->run_backward(crew); }); });
  if (!again) count(*last_, loss * double(last_->batch));
}

template <class Real> bool Run<Real>::advance(double seconds, const Guard& guard) {
  const Clock clock(seconds);
  find_penalty();
  refused_ = false;
  bad_row_ = -1;
  while (rows < order_.size()) {
    Pass<Real>& now = pass(std::min(batch_size_, order_.size() - rows));
    bool over = false;
    Crew::gather(now.threads(), [&](Crew& crew) {
      do {
        step(crew, now);
        over = clock.is_over() || refused_ || bad_row_ >= 0 || guard.contended();
        if (!over) crew.poll();
      } while (!over && order_.size() - rows >= now.batch);
    });
    if (over) break;
  }
  return rows == order_.size();
}

template <class Real> void Run<Real>::again() {
  if (last_) Crew::gather(last_->threads(), [&](Crew& crew) { last_->run(crew); });
}

template <class Real> std::vector<std::pair<std::string, double>> Run<Real>::profile(double seconds) {
  const Clock clock(seconds);
  find_penalty();
  bad_row_ = -1;
  Pass<Real>& now = pass(batch_size_);
  std::vector<double> times;
  Crew::gather(now.threads(), [&](Crew& crew) {
    while (!clock.is_over() && bad_row_ < 0 && order_.size() - rows >= batch_size_) step(crew, now, &times);
  });
  std::vector<std::pair<std::string, double>> named;
  for (std::size_t k = 0; k < times.size(); ++k) named.emplace_back(now.plan().phase_name(k), times[k]);
  return named;
}

template <class Real>
std::size_t Predictor<Real>::advance(const Data& data, Real* out, std::size_t begin, double seconds,
                                     const Guard& guard) {
  const Clock clock(seconds);
  const std::size_t rows = data.rows, row_size = network_.inputs * item_size(data.source);
  const auto weights = plain_weights(network_);
  std::unique_ptr<Pass<Real>> pass;
  while (begin < rows) {
    const std::size_t batch = std::min(batch_size_, rows - begin);
    if (!pass || pass->batch != batch)
      pass = std::make_unique<Pass<Real>>(network_, batch, Goal::predict, Scoring{}, weights, none_, data.source);
    bool over = false;
    Crew::gather(pass->threads(), [&](Crew& crew) {
      do {
        for (std::size_t i = 0; i < batch; ++i) pass->x[i] = data.x + (begin + i) * row_size;
        pass->run(crew);
        std::copy(pass->outputs, pass->outputs + batch * network_.outputs, out + begin * network_.outputs);
        begin += batch;
        over = clock.is_over() || guard.contended();
        if (!over) crew.poll();
      } while (!over && rows - begin >= batch);
    });
    if (over) break;
  }
  return begin;
}

template std::vector<std::vector<Weight<float>>> plain_weights(const Network<float>&);
template std::vector<std::vector<Weight<double>>> plain_weights(const Network<double>&);
template class Run<float>;
template class Run<double>;
template class Predictor<float>;
template class Predictor<double>;

}  // namespace gs
