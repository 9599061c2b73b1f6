#include "train/loop/predictor.hpp"

#include <algorithm>
#include <utility>

#include "runtime/clock.hpp"

namespace gs {
namespace {

constexpr std::size_t most_kept = 2;                        // full batches and a short last one
constexpr std::size_t most_numbers = std::size_t(1) << 19;  // that their nodes give

}  // namespace

template <class Real>
typename Predictor<Real>::Prepared Predictor<Real>::take(std::size_t batch, const std::vector<Source>& sources) {
  if (const std::unique_lock lock(mutex_, std::try_to_lock); lock) {
    const auto found = std::find_if(kept_.begin(), kept_.end(), [&](const Prepared& pass) {
      return pass.executor->batch == batch && pass.version == network_.version && pass.sources == sources;
    });
    if (found != kept_.end()) {
      Prepared pass = std::move(*found);
      kept_.erase(found);
      return pass;
    }
  }
  return {std::make_unique<Executor<Real>>(network_, batch, Mode::predict, std::vector<Scoring>{},
                                           plain_weights(network_), none_, sources),
          sources, network_.version};
}

template <class Real> void Predictor<Real>::put_back(Prepared pass) {
  const auto numbers = [&](const Prepared& one) { return one.executor->batch * network_.numbers; };
  if (!pass.executor || numbers(pass) > most_numbers) return;
  std::vector<Prepared> others;  // those that go do so without the lock
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return;
  others.swap(kept_);
  std::size_t sum = numbers(pass);
  kept_.push_back(std::move(pass));
  for (Prepared& other : others)
    if (kept_.size() < most_kept && (sum += numbers(other)) <= most_numbers) kept_.push_back(std::move(other));
}

template <class Real>
std::size_t Predictor<Real>::advance(const Data& data, const std::vector<Real*>& outs, std::size_t batch_size,
                                     std::size_t begin, double seconds, const Guard& guard) {
  const Clock clock(seconds);
  const std::size_t rows = data.rows;
  std::vector<Source> sources;
  for (const InputRows& input : data.x) sources.push_back(input.source);
  Prepared pass{};
  while (begin < rows) {
    const std::size_t batch = std::min(batch_size, rows - begin);
    if (!pass.executor || pass.executor->batch != batch) {
      put_back(std::move(pass));
      pass = take(batch, sources);
    }
    Executor<Real>& executor = *pass.executor;
    const auto set_rows = [&] { set_inputs(executor, network_, data, [&](std::size_t i) { return begin + i; }); };
    const auto take_outputs = [&] {
      for (std::size_t k = 0; k < outs.size(); ++k) {
        const std::size_t n = network_.output_size(k);
        std::copy_n(executor.heads[k].outputs, batch * n, outs[k] + begin * n);
      }
      begin += batch;
      return clock.is_over() || guard.contended();
    };
    bool over = false;
    if (executor.has_externals()) {
      set_rows();
      executor.run();
      over = take_outputs();
    } else {
      ThreadTeam::run(executor.threads(), [&](ThreadTeam& team) {
        do {
          set_rows();
          executor.run(team);
          over = take_outputs();
          if (!over) team.poll();
        } while (!over && rows - begin >= batch);
      });
    }
    if (over) break;
  }
  put_back(std::move(pass));
  return begin;
}

template class Predictor<float>;
template class Predictor<double>;

}  // namespace gs
