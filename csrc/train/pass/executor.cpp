#include "train/pass/executor.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "layers/tangents.hpp"
#include "train/plan/plan.hpp"

namespace gs {
namespace {

bool keeps(Mode mode) { return mode != Mode::predict && mode != Mode::score; }

std::vector<AnyLayer> stand_ins(const std::vector<AnyLayer>& layers, bool inference) {
  std::vector<AnyLayer> all;
  if (inference)
    for (const AnyLayer& layer : layers) all.push_back(in_inference(layer));
  return all;
}

}  // namespace

template <class Real>
Executor<Real>::Executor(const Network<Real>& network, std::size_t batch, Mode mode, std::vector<Scoring> scorings,
                         std::vector<std::vector<Weight<Real>>> weights, const UpdateEpilogue& epilogue,
                         const std::vector<Source>& sources, const TangentUse& tangent, bool in_shards)
    : batch(batch),
      network_(network),
      backward_(keeps(mode) && mode != Mode::tangent),
      inference_(tangent.inference),
      layers_(stand_ins(network.layers, inference_)),
      weights_(std::move(weights)),
      schedule_(batch, keeps(mode), epilogue),
      views_(sources.size()) {
  scorings.resize(network.outputs.size());
  std::vector<Content<Real>> inputs(sources.size());
  for (std::size_t i = 0; i < sources.size(); ++i) {
    inputs[i].views = &views_[i];
    inputs[i].source = sources[i];
    row_sizes_.push_back(row_size(sources[i], network.input_size(i)));
    sparse_.emplace_back();
    if (sources[i] != Source::sparse) continue;
    SparseBatch<Real>* const batch_of = new SparseBatch<Real>(batch, network.input_size(i));
    sparse_.back().reset(batch_of);
    inputs[i].entries = batch_of;
    schedule_.once({{}, {batch_of}}, [=] { batch_of->read(); });
  }
  if (inference_)
    for (auto& layer : weights_)
      for (Weight<Real>& weight : layer) {
        WeightAttributes as_it_is = *weight.attributes;
        as_it_is.updated = false;
        weight.attributes = std::make_shared<const WeightAttributes>(as_it_is);
      }
  for (const auto& layer : weights_)
    for (const auto& weight : layer) stores_ &= !backward_ || !weight.trainable() || weight.gradient;
  if (backward_) make_penalty_gradients();
  const bool tangents = mode == Mode::tangent || mode == Mode::curvature;
  schedule_.in_shards = in_shards;
  schedule_.curvature = mode == Mode::curvature || mode == Mode::roots;

  Plan<Real> plan(network, inference_ ? layers_ : network.layers, schedule_, weights_, inputs, mode == Mode::gradient,
                  tangents);
  std::vector<bool> absorbed;
  for (std::size_t i = 0; i < scorings.size(); ++i)
    absorbed.push_back(mode != Mode::predict && plan.absorb(i, scorings[i]));
  memory_ = plan.lay_out();
  plan.forward();
  std::vector<Matrix<Real>> moves;  // (output)
  if (tangents) {
    make_directions();
    for (std::size_t i = 0; i < sources.size(); ++i) {
      const bool given = i < tangent.inputs.size() && tangent.inputs[i];
      dx.push_back(given
                       ? Matrix<Real>{schedule_.workspace(batch * network.input_size(i)), batch, network.input_size(i)}
                       : Matrix<Real>{});
    }
    plan.tangent(directions_, dx);
    for (std::size_t i = 0; i < scorings.size(); ++i) moves.push_back(plan.direction_of_output(i));
    if (mode == Mode::tangent) dy = moves;
  }
  heads.reserve(scorings.size());
  bool taps = false;
  for (const auto& layer : weights_)
    for (const auto& weight : layer) taps |= backward_ && weight.is_curved;
  for (std::size_t i = 0; i < scorings.size(); ++i) {
    const Scoring& scoring = scorings[i];
    const Shape& shape = network.shape(network.outputs[i]);
    heads.emplace_back(scoring, batch, rows_of(shape), last_of(shape));
    const Matrix<Real> y = plan.output(i);
    const bool learns = backward_ && (scoring.loss.info || scoring.by_caller);
    by_caller_ |= scoring.by_caller;
    heads.back().schedule(schedule_, y, absorbed[i] || scoring.loss.of_logits, absorbed[i] ? plan.activated(i) : y,
                          learns ? plan.gradient_by_output(i) : Matrix<Real>{},
                          mode == Mode::predict || mode == Mode::tangent ? Matrix<Real>{} : plan.mask(i),
                          mode == Mode::curvature ? Slopes::curvature
                          : mode == Mode::roots   ? Slopes::roots
                                                  : Slopes::loss,
                          tangents ? moves[i] : Matrix<Real>{});
  }
  if (by_caller_ || taps) schedule_.begin_backward();
  if (!backward_) return;
  plan.add_gradients();
  plan.backward();
  dx = plan.gradients_by_inputs();
}

template <class Real> double Executor<Real>::loss() const {
  double sum = 0;
  for (const Head<Real>& head : heads)
    if (head.has_loss()) sum += head.loss();
  return sum;
}

template <class Real> void Executor<Real>::make_penalty_gradients() {
  std::size_t size = 0;
  const auto penalized = [](const Weight<Real>& w) { return w.trainable() && w.attributes->penalty.orthogonal != 0; };
  const auto size_of = [](const Weight<Real>& w) { return align<Real>(w.attributes->size()); };
  for (const auto& layer : weights_)
    for (const auto& weight : layer) size += penalized(weight) ? size_of(weight) : 0;
  penalty_gradients_ = Buffer<Real>(size);
  Real* next = penalty_gradients_.data();
  for (auto& layer : weights_)
    for (auto& weight : layer) {
      if (!penalized(weight)) continue;
      weight.penalty_gradient = next;
      next += size_of(weight);
      schedule_.orthogonal_penalty(&weight);
    }
}

template <class Real> bool Executor<Real>::repeats_backward() const {
  // Others may write over what they kept in the forward pass.
  return std::all_of(network_.layers.begin(), network_.layers.end(), [](const AnyLayer& layer) {
    return std::holds_alternative<Dense>(layer) || std::holds_alternative<Activate>(layer) ||
           std::holds_alternative<Dropout>(layer) || std::holds_alternative<Rearrange>(layer) ||
           std::holds_alternative<Rescaling>(layer) || std::holds_alternative<Add>(layer);
  });
}

template <class Real> void Executor<Real>::make_directions() {
  directions_ = weights_;
  for (auto& layer : directions_) {
    const bool moves = std::any_of(layer.begin(), layer.end(), [](const auto& weight) { return weight.direction; });
    for (Weight<Real>& weight : layer) {
      weight.w = weight.direction;
      if (moves && !weight.w) weight.w = schedule_.workspace(weight.attributes->size());
    }
  }
}

template <class Real> bool Executor<Real>::is_long() const {
  // Those who wait for the end of one that is not long wait for 40 ms; as long as nothing is known of its pace, for 10
  // to 100 ms, from the fastest CPUs and numbers to the slowest.
  if (seconds_ > 0) return seconds_ > 0.04;
  return double(network_.work + 16 * network_.numbers) * double(batch * (backward_ ? 3 : 1)) > double(1 << 29);
}

template <class Real> void Executor<Real>::store_gradients(const std::vector<Real*>& places) {
  stores_ = !places.empty();
  for (auto& layer : weights_)
    for (auto& weight : layer)
      if (weight.trainable()) weight.gradient = stores_ ? places[weight.number] : nullptr;
}

template <class Real> void Executor<Real>::save_statistics() {
  statistics_.clear();
  if ((schedule_.training || network_.batch) && (stores_ || has_halves() || has_externals()))
    read_statistics(statistics_);
}

template <class Real> void Executor<Real>::read_statistics(std::vector<Real>& to) const {
  to.clear();
  for (const auto& layer : weights_)
    for (const auto& weight : layer)
      if (weight.attributes->is_statistic()) to.insert(to.end(), weight.w, weight.w + weight.attributes->size());
}

template <class Real> void Executor<Real>::write_statistics(const std::vector<Real>& from) {
  const Real* next = from.data();
  if (from.empty()) return;
  for (auto& layer : weights_)
    for (auto& weight : layer)
      if (weight.attributes->is_statistic()) {
        std::copy_n(next, weight.attributes->size(), weight.w);
        next += weight.attributes->size();
      }
}

template <class Real> void Executor<Real>::run_stages(ThreadTeam& team, std::size_t first, std::size_t last) {
  const auto begin = std::chrono::steady_clock::now();
  {
    std::optional<ThreadTeam::Cancellable> here;
    if (stores_ && is_long()) here.emplace(team);
    schedule_.stages.run(team, scratch_, first, last);
  }
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  seconds_ = (first > 0 ? seconds_ : 0) + taken.count();
}

template <class Real> void Executor<Real>::run(ThreadTeam& team) {
  save_statistics();
  try {
    if (before_backward) {
      run_stages(team, 0, schedule_.backward.stage);
      before_backward(team);
      go_back(team);
    } else {
      run_stages(team, 0, schedule_.stages.count());
    }
  } catch (const Cancelled&) {
    restore_statistics();
    throw;
  }
}

template <class Real> const ExternalCall<Real>* Executor<Real>::advance(Place& at, Place last, bool by_buckets) {
  const auto run_to = [&](std::size_t stage) {
    if (stage == at.stage) return;
    ThreadTeam::run(threads(), [&](ThreadTeam& team) { run_stages(team, at.stage, stage); });
    at.stage = stage;
  };
  while (at.external < last.external) {
    const ExternalCall<Real>& call = schedule_.externals[at.external];
    if (!call.bucket || by_buckets) run_to(call.stage);
    ++at.external;
    if (call.exchange || (call.bucket && by_buckets)) return &call;
    if (call.bucket) continue;
    network_.ask(call, schedule_.training && !inference_);
  }
  run_to(last.stage);
  return nullptr;
}

template <class Real> void Executor<Real>::begin_run(bool by_buckets) {
  save_statistics();
  at_ = {};
  by_buckets_ = by_buckets;
  due_ = nullptr;
}

template <class Real> bool Executor<Real>::run_on(bool to_end) {
  due_ = advance(at_, to_end ? schedule_.end() : schedule_.backward, by_buckets_);
  return !due_;
}

template <class Real> std::vector<const Exchange*> Executor<Real>::exchanges() const {
  std::vector<const Exchange*> all;
  for (const ExternalCall<Real>& call : schedule_.externals)
    if (call.exchange) all.push_back(call.exchange.get());
  return all;
}

template <class Real> std::vector<std::pair<std::size_t, std::size_t>> Executor<Real>::buckets() const {
  std::vector<std::pair<std::size_t, std::size_t>> all;
  std::size_t exchanges = 0;
  for (const ExternalCall<Real>& call : schedule_.externals) {
    exchanges += call.exchange ? 1 : 0;
    if (call.bucket) all.emplace_back(exchanges, *call.bucket);
  }
  return all;
}

template <class Real> void Executor<Real>::run(Place at, Place last) {
  const bool begins = at.stage == 0 && at.external == 0;
  if (begins) save_statistics();
  try {
    advance(at, last);
  } catch (...) {
    if (begins) restore_statistics();
    throw;
  }
}

template <class Real> void Executor<Real>::run_timed(ThreadTeam& team, std::vector<double>& times) {
  using Clock = std::chrono::steady_clock;
  times.resize(schedule_.stages.count());
  for (std::size_t k = 0; k < schedule_.stages.count(); ++k) {
    if (before_backward && k == schedule_.backward.stage) before_backward(team);
    const auto begin = Clock::now();
    schedule_.stages.run_stage(k, team, scratch_);
    times[k] += std::chrono::duration<double>(Clock::now() - begin).count();
  }
}

template <class Real> int Executor<Real>::threads() {
  // In multiplications, of which a core with AVX-512 does some fifty a nanosecond. A thread is worth its hand-overs
  // from some ten microseconds of them on. Updating a weight takes as long as sixteen, but gains less from a second
  // thread, since much of it is waiting for memory: measured over small networks, it weighs as four.
  constexpr std::size_t worth = std::size_t(1) << 19;
  const std::size_t products = backward_ ? 3 * batch : batch, updates = backward_ ? 4 : 0;
  const std::size_t most = std::max<std::size_t>(1, (products + updates) * network_.work / worth);
  const int threads = threads_for(most);
  while (scratch_.size() < std::size_t(threads)) scratch_.emplace_back(schedule_.stages.scratch());
  return threads;
}

template class Executor<float>;
template class Executor<double>;

}  // namespace gs
