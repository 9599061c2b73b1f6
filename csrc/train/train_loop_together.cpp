// Loops of several networks over the same rows, step by step: those of a linear model at several rates, mostly.
#include <algorithm>
#include <chrono>
#include <variant>

#include "runtime/products/joint_product.hpp"
#include "train/train_loop.hpp"

namespace gs {

// Whether the rows go into a Dense layer so narrow that its product alone leaves most of a vector idle.
template <class Real> bool TrainLoop<Real>::reads_narrowly() const {
  const Network<Real>& net = network_;
  const bool is_dense = data_.x.size() == 1 && data_.x[0].source != Source::sparse;
  if (!is_dense || net.nodes.empty() || net.nodes[0].layer == Node::no_layer) return false;
  const auto* const layer = std::get_if<Dense>(&net.layers[net.nodes[0].layer]);
  return layer && 2 * layer->out <= JointProduct<Real>::most_columns && !net.batch;
}

template <class Real> bool TrainLoop<Real>::goes_with(const TrainLoop& other, bool any_order) const {
  const auto steps = [](const TrainLoop& loop) {
    return loop.stepper_ && !loop.given_ && !loop.step_.is_twofold() && loop.reads_narrowly();
  };
  if (!steps(*this) || !steps(other) || batch_size_ != other.batch_size_) return false;
  const InputRows &a = data_.x[0], &b = other.data_.x[0];
  const bool same_rows = a.at == b.at && a.source == b.source && data_.rows == other.data_.rows;
  return same_rows && (any_order || (rows == other.rows && order_ == other.order_));
}

template <class Real>
bool TrainLoop<Real>::advance_together(const std::vector<TrainLoop*>& loops, double seconds,
                                       const std::vector<const Guard*>& guards) {
  using Now = std::chrono::steady_clock;
  const auto end = Now::now() + std::chrono::duration_cast<Now::duration>(std::chrono::duration<double>(seconds));
  struct AllUpToDate {
    const std::vector<TrainLoop*>& loops;
    ~AllUpToDate() {
      for (TrainLoop* const loop : loops) loop->step_.flush_rows();
    }
  };
  const AllUpToDate at_end{loops};
  for (TrainLoop* const loop : loops) {
    loop->step_.forget();
    loop->bad_label_ = {};
  }
  TrainLoop& first = *loops[0];
  const auto ends = [&] {
    return Now::now() >= end ||
           std::any_of(loops.begin(), loops.end(),
                       [](const TrainLoop* loop) {
                         return loop->refused() || loop->bad_label_.row >= 0 || loop->step_.is_full();
                       }) ||
           std::any_of(guards.begin(), guards.end(), [](const Guard* guard) { return guard->contended(); });
  };
  std::vector<Real> room;
  bool over = false;
  while (!over && first.rows < first.order_.size()) {
    const std::size_t batch = std::min(first.batch_size_, first.order_.size() - first.rows);
    std::vector<Executor<Real>*> executors;
    for (TrainLoop* const loop : loops) {
      executors.push_back(&loop->executor(batch));
      executors.back()->threads();  // makes its scratch
    }
    ThreadTeam::run(1, [&](ThreadTeam& team) {
      do {
        step_together(team, loops, executors, room);
        over = ends();
        if (!over) team.poll();
      } while (!over && first.order_.size() - first.rows >= batch);
    });
  }
  return std::all_of(loops.begin(), loops.end(),
                     [](const TrainLoop* loop) { return loop->rows == loop->order_.size(); });
}

template <class Real>
void TrainLoop<Real>::step_together(ThreadTeam& team, const std::vector<TrainLoop*>& loops,
                                    const std::vector<Executor<Real>*>& executors, std::vector<Real>& room) {
  bool stores = false;
  for (std::size_t k = 0; k < loops.size(); ++k) {
    TrainLoop& loop = *loops[k];
    loop.step_.choose_places(*executors[k], executors[k] == loop.whole_.get() ? loop.rest_.get() : loop.whole_.get());
    stores |= executors[k]->stores() || loop.is_apart(*executors[k]);
  }
  std::vector<std::size_t> ready;
  for (std::size_t k = 0; k < loops.size(); ++k) {
    if (stores)
      loops[k]->step(team, *executors[k]);
    else if (loops[k]->set_rows(*executors[k]))
      ready.push_back(k);
  }
  if (ready.empty()) return;
  loops[ready[0]]->fetch_next(executors[ready[0]]->batch);
  // Each step is around the passes of all: it begins before them, and counts what they found after them.
  const auto within = [&](const auto& self, std::size_t at) -> void {
    if (at == ready.size()) {
      std::vector<Executor<Real>*> all;
      for (const std::size_t k : ready) all.push_back(executors[k]);
      return Executor<Real>::run_together(all, team, room);
    }
    TrainLoop& loop = *loops[ready[at]];
    Executor<Real>& executor = *executors[ready[at]];
    loop.take_step(
        executor, [&] { self(self, at + 1); }, [&](const auto& work) { work(team); }, [&] { loop.count(executor); });
  };
  within(within, 0);
}

template bool TrainLoop<float>::goes_with(const TrainLoop&, bool) const;
template bool TrainLoop<double>::goes_with(const TrainLoop&, bool) const;
template bool TrainLoop<float>::advance_together(const std::vector<TrainLoop*>&, double,
                                                 const std::vector<const Guard*>&);
template bool TrainLoop<double>::advance_together(const std::vector<TrainLoop*>&, double,
                                                  const std::vector<const Guard*>&);

}  // namespace gs
