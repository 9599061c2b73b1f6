#include "train/executor.hpp"

#include <algorithm>
#include <chrono>
#include <type_traits>
#include <utility>

namespace gs {
namespace {

template <class Layer, class = void> constexpr bool has_activation = false;
template <class Layer>
constexpr bool has_activation<Layer, std::void_t<decltype(std::declval<Layer>().activation)>> = true;

template <class Layer, class = void> constexpr bool keeps_z = false;
template <class Layer> constexpr bool keeps_z<Layer, std::void_t<decltype(Layer::keeps_z)>> = Layer::keeps_z;

/// A layer that has none is linear.
template <class Layer> ActivationUse activation_of(const Layer& layer) {
  if constexpr (has_activation<Layer>)
    return layer.activation;
  else
    return {};
}

template <class Real> constexpr Dtype dtype = Dtype(dtype_of<Real>());

}  // namespace

template <class Real>
Executor<Real>::Executor(const Network<Real>& network, std::size_t batch, Mode mode, const Scoring& scoring,
                         std::vector<std::vector<Weight<Real>>> weights, const UpdateEpilogue& epilogue, Source source)
    : batch(batch),
      x(batch),
      network_(network),
      backward_(mode == Mode::gradient || mode == Mode::train),
      loss_(scoring.loss),
      weights_(std::move(weights)),
      schedule_(batch, backward_, epilogue) {
  const std::size_t n_layers = network.layers.size();
  std::vector<AnyLayer> layers = network.layers;

  // A loss of logits contains the last activation: the network stops before it.
  bool of_logits = loss_.of_logits;
  if (mode != Mode::predict && loss_.info && !of_logits && loss_.info->absorbs >= 0)
    visit_layer(layers.back(),
                [&](const auto& layer) { of_logits = activation_of(layer).index == loss_.info->absorbs; });
  const bool absorbed = of_logits && !loss_.of_logits;
  if (absorbed)
    std::visit(
        [](auto& layer) {
          if constexpr (has_activation<decltype(layer)>) layer.activation = {};
        },
        layers.back());

  // First how much memory, then where: once to count from null, once for real.
  std::vector<LayerBuffers> buffers(n_layers);
  const auto lay_out = [&](Real* next) {
    const auto take = [&](std::size_t columns) {
      Real* const here = next;
      next += align<Real>(batch * columns);
      return here;
    };
    dx = mode == Mode::gradient ? take(network.inputs) : nullptr;
    bool wanted = dx != nullptr;  // gradients by a layer's input: by those of layers before it, or by x itself
    for (std::size_t k = 0; k < n_layers; ++k)
      visit_layer(layers[k], [&](const auto& layer) {
        const std::size_t n = layer.outputs();
        buffers[k].y = take(n);
        const bool keeps =
            keeps_z<std::decay_t<decltype(layer)>> || kernels().map.of[activation_of(layer).index].uses_input;
        buffers[k].z = keeps && backward_ ? take(n) : buffers[k].y;
        buffers[k].dy = backward_ ? take(n) : nullptr;
        buffers[k].dx = !wanted ? nullptr : k > 0 ? buffers[k - 1].dy : dx;
        const auto& own = weights_[k];
        wanted = wanted || std::any_of(own.begin(), own.end(), [](const auto& weight) { return weight.trainable(); });
        buffers[k].weights = &weights_[k];
      });
    outputs = absorbed ? take(network.outputs) : buffers.back().y;
    return next;
  };
  const auto bytes = reinterpret_cast<std::uintptr_t>(lay_out(nullptr));
  memory_ = Buffer<Real>(bytes / sizeof(Real));
  lay_out(memory_.data());

  for (const auto& layer : weights_)
    for (const auto& weight : layer) stores_ &= !backward_ || !weight.trainable() || weight.gradient;
  if (backward_) make_penalty_gradients();
  IndirectionBuffer rows{x.data(), source};
  for (std::size_t k = 0; k < n_layers; ++k) {
    buffers[k].x = rows;
    visit_layer(layers[k], [&](const auto& layer) { rows = layer.forward(schedule_, buffers[k]); });
  }
  // A last layer that computes nothing leaves its rows elsewhere.
  if (!schedule_.lies_at(rows, buffers.back().y)) schedule_.copy(rows, buffers.back().y, network.outputs);
  if (mode != Mode::predict) schedule_loss(scoring, of_logits, buffers.back());
  for (std::size_t k = backward_ ? n_layers : 0; k-- > 0;)
    visit_layer(layers[k], [&](const auto& layer) { layer.backward(schedule_, buffers[k]); });
  schedule_.finish();
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

template <class Real>
void Executor<Real>::schedule_loss(const Scoring& scoring, bool of_logits, const LayerBuffers& last) {
  targets.resize(batch);
  values.assign(1 + scoring.metrics.size(), std::vector<double>(batch));
  scales_.resize(batch);
  set_sample_weights(nullptr, nullptr);
  const std::size_t n = network_.outputs;
  const auto& metrics = scoring.metrics;
  const auto whole = [](const ScoreInfo* score) { return score->whole_batch; };
  const bool at_once = (loss_.info && whole(loss_.info)) || std::any_of(metrics.begin(), metrics.end(), whole);
  dy = last.dy;
  // The last activation is in the loss; its outputs are made only if a metric or the caller reads them.
  const bool needed = outputs != last.y && (scoring.outputs || !metrics.empty());
  const MapForward activate = needed ? kernels().map.of[loss_.info->absorbs].forward[dtype_of<Real>()] : nullptr;
  loss_.of_logits = of_logits;
  if (loss_.info && loss_.info->only_positive) counts_.resize(batch);
  const LossRows loss = loss_.info ? loss_.loop(dtype<Real>) : nullptr;
  const Real* const y = last.y;
  schedule_.rows(
      n,
      [this, n, activate, loss, y, metrics](std::size_t first, std::size_t count) {
        if (activate) activate(nullptr, y + first * n, outputs + first * n, MatrixLayout(count, n, n));
        const void* const* t = targets.data() + first;
        Real* const gradient = dy ? dy + first * n : nullptr;
        if (loss && loss_.info->only_positive)
          reduction_ =
              loss_.score(dtype<Real>, t, y, n, given_, scales_.data(), counts_.data(), values[0].data(), gradient);
        else if (loss)
          loss(loss_.settings.data(), t, y + first * n, count, n, scales_.data() + first, values[0].data() + first,
               gradient);
        for (std::size_t m = 0; m < metrics.size(); ++m)
          score_rows(*metrics[m], dtype<Real>, t, outputs + first * n, count, n, values[m + 1].data() + first);
      },
      at_once);
  if (!loss_.info) schedule_.begin_backward();
}

template <class Real> void Executor<Real>::set_sample_weights(const double* weights, const std::uint8_t* mask) {
  given_ = reduction_ = loss_.reduction_over(batch, weights, mask);
  reduction_.gradient_scales(scales_.data());
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
  for (const auto& layer : weights_)
    for (const auto& weight : layer)
      if (weight.attributes->is_statistic())
        statistics_.insert(statistics_.end(), weight.w, weight.w + weight.attributes->size());
}

template <class Real> void Executor<Real>::restore_statistics() {
  const Real* next = statistics_.data();
  if (statistics_.empty()) return;
  for (auto& layer : weights_)
    for (auto& weight : layer)
      if (weight.attributes->is_statistic()) {
        std::copy_n(next, weight.attributes->size(), weight.w);
        next += weight.attributes->size();
      }
}

template <class Real> void Executor<Real>::run(ThreadTeam& team, std::size_t first, std::size_t last) {
  const bool cancellable = stores_ && is_long();
  if (first == 0 && backward_ && stores_) save_statistics();
  const auto begin = std::chrono::steady_clock::now();
  if (!cancellable) {
    schedule_.run(team, scratch_, first, last);
  } else {
    const ThreadTeam::Cancellable here(team);
    try {
      schedule_.run(team, scratch_, first, last);
    } catch (const Cancelled&) {
      if (first == 0) restore_statistics();
      throw;
    }
  }
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  seconds_ = (first > 0 ? seconds_ : 0) + taken.count();
}

template <class Real> void Executor<Real>::run_timed(ThreadTeam& team, std::vector<double>& times) {
  using Clock = std::chrono::steady_clock;
  times.resize(schedule_.stages());
  for (std::size_t k = 0; k < schedule_.stages(); ++k) {
    const auto begin = Clock::now();
    schedule_.run_stage(k, team, scratch_);
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
  while (scratch_.size() < std::size_t(threads)) scratch_.emplace_back(schedule_.scratch());
  return threads;
}

template class Executor<float>;
template class Executor<double>;

}  // namespace gs
