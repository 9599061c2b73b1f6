#include "train/pass.hpp"

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
Pass<Real>::Pass(const Network<Real>& network, std::size_t batch, Goal goal, const Scoring& scoring,
                 std::vector<std::vector<Weight<Real>>> weights, const Mover& mover, Source source)
    : batch(batch),
      x(batch),
      network_(network),
      backward_(goal == Goal::gradient || goal == Goal::train),
      loss_(scoring.loss),
      weights_(std::move(weights)),
      plan_(batch, backward_, mover) {
  const std::size_t n_layers = network.layers.size();
  std::vector<AnyLayer> layers = network.layers;

  // A loss of logits contains the last activation: the network stops before it.
  bool of_logits = loss_.of_logits;
  if (goal != Goal::predict && loss_.info && !of_logits && loss_.info->absorbs >= 0)
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
  std::vector<Io> io(n_layers);
  const auto lay_out = [&](Real* next) {
    const auto take = [&](std::size_t columns) {
      Real* const here = next;
      next += on_border<Real>(batch * columns);
      return here;
    };
    dx = goal == Goal::gradient ? take(network.inputs) : nullptr;
    bool wanted = dx != nullptr;  // slopes by a layer's input: by those of layers before it, or by x itself
    for (std::size_t k = 0; k < n_layers; ++k)
      visit_layer(layers[k], [&](const auto& layer) {
        const std::size_t n = layer.outputs();
        io[k].y = take(n);
        const bool keeps =
            keeps_z<std::decay_t<decltype(layer)>> || kernels().map.of[activation_of(layer).index].uses_input;
        io[k].z = keeps && backward_ ? take(n) : io[k].y;
        io[k].dy = backward_ ? take(n) : nullptr;
        io[k].dx = !wanted ? nullptr : k > 0 ? io[k - 1].dy : dx;
        const auto& own = weights_[k];
        wanted = wanted || std::any_of(own.begin(), own.end(), [](const auto& weight) { return weight.trainable(); });
        io[k].weights = &weights_[k];
      });
    outputs = absorbed ? take(network.outputs) : io.back().y;
    return next;
  };
  const auto bytes = reinterpret_cast<std::uintptr_t>(lay_out(nullptr));
  memory_ = Buffer<Real>(bytes / sizeof(Real));
  lay_out(memory_.data());

  for (const auto& layer : weights_)
    for (const auto& weight : layer) stores_ &= !backward_ || !weight.trainable() || weight.gradient;
  if (backward_) make_slopes();
  Rows rows{x.data(), source};
  for (std::size_t k = 0; k < n_layers; ++k) {
    io[k].x = rows;
    visit_layer(layers[k], [&](const auto& layer) { rows = layer.forward(plan_, io[k]); });
  }
  // A last layer that computes nothing of its own leaves its rows elsewhere.
  if (!plan_.lies_at(rows, io.back().y)) plan_.copy(rows, io.back().y, network.outputs);
  if (goal != Goal::predict) plan_loss(scoring, of_logits, io.back());
  for (std::size_t k = backward_ ? n_layers : 0; k-- > 0;)
    visit_layer(layers[k], [&](const auto& layer) { layer.backward(plan_, io[k]); });
  plan_.finish();
}

template <class Real> void Pass<Real>::make_slopes() {
  std::size_t size = 0;
  const auto turns = [](const Weight<Real>& w) { return w.trainable() && w.treatment->penalty.orthogonal != 0; };
  const auto size_of = [](const Weight<Real>& w) { return on_border<Real>(w.treatment->size()); };
  for (const auto& layer : weights_)
    for (const auto& weight : layer) size += turns(weight) ? size_of(weight) : 0;
  slopes_ = Buffer<Real>(size);
  Real* next = slopes_.data();
  for (auto& layer : weights_)
    for (auto& weight : layer) {
      if (!turns(weight)) continue;
      weight.slope = next;
      next += size_of(weight);
      plan_.turn(&weight);
    }
}

template <class Real> void Pass<Real>::plan_loss(const Scoring& scoring, bool of_logits, const Io& last) {
  targets.resize(batch);
  values.assign(1 + scoring.metrics.size(), std::vector<double>(batch));
  scales_.resize(batch);
  weigh(nullptr, nullptr);
  const std::size_t n = network_.outputs;
  const auto& metrics = scoring.metrics;
  const auto whole = [](const ScoreInfo* score) { return score->whole_batch; };
  const bool at_once = (loss_.info && whole(loss_.info)) || std::any_of(metrics.begin(), metrics.end(), whole);
  dy = last.dy;
  // The last activation is in the loss; its outputs are made only if a metric or somebody else looks at them.
  const bool needed = outputs != last.y && (scoring.outputs || !metrics.empty());
  const MapForward activate = needed ? kernels().map.of[loss_.info->absorbs].forward[dtype_of<Real>()] : nullptr;
  loss_.of_logits = of_logits;
  if (loss_.info && loss_.info->only_positive) counts_.resize(batch);
  const LossRows loss = loss_.info ? loss_.loop(dtype<Real>) : nullptr;
  const Real* const y = last.y;
  plan_.rows(
      n,
      [this, n, activate, loss, y, metrics](std::size_t first, std::size_t count) {
        if (activate) activate(nullptr, y + first * n, outputs + first * n, Area(count, n, n));
        const void* const* t = targets.data() + first;
        Real* const slope = dy ? dy + first * n : nullptr;
        if (loss && loss_.info->only_positive)
          shares_ = loss_.score(dtype<Real>, t, y, n, given_, scales_.data(), counts_.data(), values[0].data(), slope);
        else if (loss)
          loss(loss_.settings.data(), t, y + first * n, count, n, scales_.data() + first, values[0].data() + first,
               slope);
        for (std::size_t m = 0; m < metrics.size(); ++m)
          score_rows(*metrics[m], dtype<Real>, t, outputs + first * n, count, n, values[m + 1].data() + first);
      },
      at_once);
  if (!loss_.info) plan_.set_border();
}

template <class Real> void Pass<Real>::weigh(const double* weights, const std::uint8_t* mask) {
  given_ = shares_ = loss_.shares(batch, weights, mask);
  shares_.scales(scales_.data());
}

template <class Real> bool Pass<Real>::is_long() const {
  // Those who wait for the end of one that is not long wait for 40 ms; as long as nothing is known of its pace, for 10
  // to 100 ms, from the fastest CPUs and numbers to the slowest.
  if (seconds_ > 0) return seconds_ > 0.04;
  return double(network_.work + 16 * network_.numbers) * double(batch * (backward_ ? 3 : 1)) > double(1 << 29);
}

template <class Real> void Pass<Real>::leave_gradients(const std::vector<Real*>& places) {
  stores_ = !places.empty();
  for (auto& layer : weights_)
    for (auto& weight : layer)
      if (weight.trainable()) weight.gradient = stores_ ? places[weight.number] : nullptr;
}

template <class Real> void Pass<Real>::keep_moving() {
  moving_.clear();
  for (const auto& layer : weights_)
    for (const auto& weight : layer)
      if (weight.treatment->is_statistic())
        moving_.insert(moving_.end(), weight.w, weight.w + weight.treatment->size());
}

template <class Real> void Pass<Real>::put_back() {
  const Real* next = moving_.data();
  if (moving_.empty()) return;
  for (auto& layer : weights_)
    for (auto& weight : layer)
      if (weight.treatment->is_statistic()) {
        std::copy_n(next, weight.treatment->size(), weight.w);
        next += weight.treatment->size();
      }
}

template <class Real> void Pass<Real>::run(Crew& crew, std::size_t first, std::size_t last) {
  const bool cancellable = stores_ && is_long();
  if (first == 0 && backward_ && stores_) keep_moving();
  const auto begin = std::chrono::steady_clock::now();
  if (!cancellable) {
    plan_.run(crew, scratch_, first, last);
  } else {
    const Crew::Cancellable here(crew);
    try {
      plan_.run(crew, scratch_, first, last);
    } catch (const Cancelled&) {
      if (first == 0) put_back();
      throw;
    }
  }
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  seconds_ = (first > 0 ? seconds_ : 0) + taken.count();
}

template <class Real> void Pass<Real>::run_timed(Crew& crew, std::vector<double>& times) {
  using Clock = std::chrono::steady_clock;
  times.resize(plan_.phases());
  for (std::size_t k = 0; k < plan_.phases(); ++k) {
    const auto begin = Clock::now();
    plan_.run_phase(k, crew, scratch_);
    times[k] += std::chrono::duration<double>(Clock::now() - begin).count();
  }
}

template <class Real> int Pass<Real>::threads() {
  // In multiplications, of which a core with AVX-512 does some fifty a nanosecond. A thread is worth its hand-overs
  // from some ten microseconds of them on. Moving a weight takes as long as sixteen, but gains less from a second
  // thread, since much of it is waiting for memory: measured over small networks, it weighs as four.
  constexpr std::size_t worth = std::size_t(1) << 19;
  const std::size_t products = backward_ ? 3 * batch : batch, moves = backward_ ? 4 : 0;
  const std::size_t most = std::max<std::size_t>(1, (products + moves) * network_.work / worth);
  const int threads = threads_for(most);
  while (scratch_.size() < std::size_t(threads)) scratch_.emplace_back(plan_.scratch());
  return threads;
}

template class Pass<float>;
template class Pass<double>;

}  // namespace gs
