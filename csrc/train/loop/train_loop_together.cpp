// Loops of several models of one narrow Dense layer over the same rows, step by step: a linear model at several rates,
// mostly. Their steps do little beside reading the rows, which they share, and beside what a schedule costs, which they
// do without.
#include <algorithm>
#include <chrono>
#include <tuple>
#include <variant>

#include "train/loop/train_loop.hpp"

namespace gs {
namespace {

constexpr std::size_t most_outputs = 8;

bool same_loss(const LossUse& a, const LossUse& b) {
  return a.info == b.info && a.of_logits == b.of_logits && a.settings == b.settings && a.reduction == b.reduction &&
         a.factor == b.factor;
}

}  // namespace

template <class Real> const Dense* TrainLoop<Real>::narrow_layer() const {
  const Network<Real>& net = network_;
  const bool is_one = net.inputs.size() == 1 && net.inputs[0].size() == 1 && net.nodes.size() == 1 &&
                      net.outputs == std::vector<std::size_t>{1} && net.nodes[0].layer != Node::no_layer && !net.batch;
  if (!is_one || net.masked()[0] || data_.x[0].source == Source::sparse || !step_.is_plain()) return nullptr;
  const Scoring& scoring = scorings_[0];
  if (!scoring.loss.info || scoring.by_caller || scoring.outputs || scoring.loss.info->only_positive) return nullptr;
  const auto is_plain = [](const Weight<Real>& w) {
    return w.trainable() && !w.is_curved && !w.gradient && !w.attributes->penalty;
  };
  const auto& weights = weights_[net.nodes[0].layer];
  const auto* const layer = std::get_if<Dense>(&net.layers[net.nodes[0].layer]);
  const bool fits = layer && layer->in > 0 && layer->out <= most_outputs;
  return fits && std::all_of(weights.begin(), weights.end(), is_plain) ? layer : nullptr;
}

template <class Real> bool TrainLoop<Real>::goes_with(const TrainLoop& other, bool any_order) const {
  const Dense *const mine = narrow_layer(), *const theirs = other.narrow_layer();
  if (!mine || !theirs || batch_size_ != other.batch_size_ || data_.rows != other.data_.rows) return false;
  const auto as_layer = [](const Dense& one) {
    return std::make_tuple(one.in, one.out, one.use_bias, one.activation.index, one.activation.settings);
  };
  const auto as_rows = [](const Data& data) {
    return std::make_tuple(data.x[0].at, data.x[0].source, data.y[0].at, data.y[0].weights, data.y[0].mask);
  };
  return as_layer(*mine) == as_layer(*theirs) && as_rows(data_) == as_rows(other.data_) &&
         same_loss(scorings_[0].loss, other.scorings_[0].loss) && scorings_[0].metrics == other.scorings_[0].metrics &&
         (any_order || (rows == other.rows && order_ == other.order_));
}

/// Batches of one size, of all loops at once: numbers of the models lie one after another.
template <class Real> class TrainLoop<Real>::Together {
 public:
  Together(const std::vector<TrainLoop*>& loops, std::size_t batch)
      : loops_(loops),
        layer_(*loops[0]->narrow_layer()),
        scoring_(loops[0]->scorings_[0]),
        absorbs_(scoring_.loss.absorbs(layer_.activation.index)),
        loss_(scoring_.loss),
        activates_(!absorbs_ && !layer_.activation.template is<Linear>()),
        x_(batch),
        z_(loops.size() * batch * layer_.out),
        y_(absorbs_ || activates_ ? z_.size() : 0),
        dz_(z_.size()),
        dw_(loops.size() * layer_.in * layer_.out),
        db_(loops.size() * layer_.out),
        scratch_(shared_scratch(layer_.in)),
        targets_(loops.size() * batch),
        scales_(targets_.size()),
        values_(targets_.size()) {
    loss_.of_logits |= absorbs_;
    for (TrainLoop* const loop : loops) {
      const auto& weights = loop->weights_[loop->network_.nodes[0].layer];
      w_.push_back(weights[0].w);
      if (layer_.use_bias) b_.push_back(weights[1].w);
      heads_.emplace_back();
      heads_.back().emplace_back(scoring_, batch, 1, layer_.out);
    }
    copy_to_all(heads_[0][0].gradient_scales(), scales_);  // which stay where no row has a weight
    if (loops[0]->data_.x[0].source != source_of<Real>) read_.resize(batch * layer_.in);
  }

  /// A step of each; of none at an invalid label.
  void step() {
    if (!set_rows()) return;
    const std::size_t batch = x_.size();
    const SharedRows<Real> shared{x_.data(), batch, layer_.in, loops_.size(), layer_.out};
    const auto& products = shared_rows_loops<Real>();
    products.multiply(shared, w_.data(), layer_.use_bias ? b_.data() : nullptr, z_.data(), scratch_.data());
    find_losses();
    products.gradients(shared, dz_.data(), dw_.data(), layer_.use_bias ? db_.data() : nullptr);
    for (std::size_t k = 0; k < loops_.size(); ++k) {
      loops_[k]->step_.run_plain([&] { update(k); });
      loops_[k]->count(heads_[k], batch, 0);
    }
  }

 private:
  bool set_rows() {
    TrainLoop& first = *loops_[0];
    const TargetRows& y = first.data_.y[0];
    if (scoring_.labels() && !first.set_labels(0, heads_[0][0])) return false;
    // What rows count for is the same for all, and written in each.
    for (std::size_t k = 0; k < (y.weights || y.mask ? loops_.size() : 1); ++k) loops_[k]->set_targets(0, heads_[k][0]);
    const InputRows& from = first.data_.x[0];
    const std::size_t batch = x_.size(), size = row_size(from.source, layer_.in);
    for (std::size_t i = 0; i < batch; ++i) x_[i] = from.at + std::size_t(first.order_[first.rows + i]) * size;
    if (!read_.empty()) {
      products<Real>().gather({x_.data(), from.source}, batch, layer_.in, read_.data(), layer_.in);
      for (std::size_t i = 0; i < batch; ++i) x_[i] = read_.data() + i * layer_.in;
    }
    first.fetch_next(batch);
    copy_to_all(heads_[0][0].targets, targets_);
    if (y.weights || y.mask) copy_to_all(heads_[0][0].gradient_scales(), scales_);
    return true;
  }
  template <class T> void copy_to_all(const std::vector<T>& from, std::vector<T>& to) const {
    for (std::size_t k = 0; k < loops_.size(); ++k) std::copy_n(from.data(), from.size(), to.data() + k * from.size());
  }

  /// z -> dz; losses and metrics of all rows.
  void find_losses() {
    constexpr Dtype dtype = Dtype(dtype_of<Real>());
    const std::size_t n = layer_.out, count = targets_.size();
    const MatrixLayout layout(count, n, n);
    const auto& f = kernels().map.of[layer_.activation.index];
    const Real* outputs = z_.data();
    if (activates_ || (absorbs_ && !scoring_.metrics.empty())) {
      f.forward[int(dtype)](absorbs_ ? nullptr : layer_.activation.settings.data(), z_.data(), y_.data(), layout);
      outputs = y_.data();
    }
    const Real* const y = absorbs_ ? z_.data() : outputs;
    const LossRows loss = loss_.loop(dtype);
    score(0, *loss_.info, [&](std::size_t at, std::size_t rows) {
      loss(loss_.settings.data(), targets_.data(), y + at * n, rows, n, scales_.data(), values_.data() + at,
           dz_.data() + at * n);
    });
    for (std::size_t m = 0; m < scoring_.metrics.size(); ++m)
      score(m + 1, *scoring_.metrics[m], [&](std::size_t at, std::size_t rows) {
        score_rows(*scoring_.metrics[m], dtype, targets_.data(), outputs + at * n, rows, n, values_.data() + at);
      });
    if (activates_)
      f.backward[int(dtype)](layer_.activation.settings.data(), f.uses_input ? z_.data() : y_.data(), y_.data(),
                             dz_.data(), dz_.data(), layout);
  }
  /// find(first row, how many): of all models at once; of each, where a score sees a batch as a whole.
  template <class Find> void score(std::size_t number, const ScoreInfo& info, const Find& find) {
    const std::size_t batch = x_.size(), all = targets_.size();
    for (std::size_t at = 0; at < all; at += info.whole_batch ? batch : all) find(at, info.whole_batch ? batch : all);
    for (std::size_t k = 0; k < loops_.size(); ++k)
      std::copy_n(values_.data() + k * batch, batch, heads_[k][0].values[number].data());
  }

  void update(std::size_t k) {
    const TrainLoop& loop = *loops_[k];
    const auto& weights = loop.weights_[loop.network_.nodes[0].layer];
    const std::size_t size = layer_.in * layer_.out;
    double none = 0;  // penalties
    loop.step_.epilogue().apply(weights[0], 0, dw_.data() + k * size, MatrixLayout(size), none);
    if (layer_.use_bias)
      loop.step_.epilogue().apply(weights[1], 0, db_.data() + k * layer_.out, MatrixLayout(layer_.out), none);
  }

  const std::vector<TrainLoop*>& loops_;
  const Dense& layer_;
  const Scoring& scoring_;
  const bool absorbs_;  // the loss has the activation
  LossUse loss_;
  const bool activates_;
  std::vector<const Real*> w_, b_;              // (model)
  std::vector<std::vector<Head<Real>>> heads_;  // (model), one each
  std::vector<const void*> x_;                  // (batch)
  std::vector<Real> read_;                      // (batch, in), of rows of another type; else empty
  std::vector<Real> z_, y_, dz_;                // (model, batch, out); y = f(z), where anybody asks for it
  std::vector<Real> dw_, db_;                   // (model, in, out), (model, out)
  std::vector<Real> scratch_;
  std::vector<const void*> targets_;     // (model, batch), as those that follow
  std::vector<double> scales_, values_;  // see LossRows
};

template <class Real>
bool TrainLoop<Real>::advance_together(const std::vector<TrainLoop*>& loops, double seconds,
                                       const std::vector<const Guard*>& guards) {
  using Now = std::chrono::steady_clock;
  const auto end = Now::now() + std::chrono::duration_cast<Now::duration>(std::chrono::duration<double>(seconds));
  for (TrainLoop* const loop : loops) {
    loop->step_.forget();
    loop->bad_label_ = {};
  }
  TrainLoop& first = *loops[0];
  const auto ends = [&] {
    return Now::now() >= end || first.bad_label_.row >= 0 ||
           std::any_of(guards.begin(), guards.end(), [](const Guard* guard) { return guard->contended(); });
  };
  bool over = false;
  while (!over && first.rows < first.order_.size()) {
    const std::size_t batch = std::min(first.batch_size_, first.order_.size() - first.rows);
    Together all(loops, batch);
    ThreadTeam::run(1, [&](ThreadTeam& team) {
      do {
        all.step();
        over = ends();
        if (!over) team.poll();
      } while (!over && first.order_.size() - first.rows >= batch);
    });
  }
  return std::all_of(loops.begin(), loops.end(),
                     [](const TrainLoop* loop) { return loop->rows == loop->order_.size(); });
}

template bool TrainLoop<float>::goes_with(const TrainLoop&, bool) const;
template bool TrainLoop<double>::goes_with(const TrainLoop&, bool) const;
template bool TrainLoop<float>::advance_together(const std::vector<TrainLoop*>&, double,
                                                 const std::vector<const Guard*>&);
template bool TrainLoop<double>::advance_together(const std::vector<TrainLoop*>&, double,
                                                  const std::vector<const Guard*>&);

}  // namespace gs
