#include "train/curvature/row_jacobian.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "train/loop/train_loop.hpp"

namespace gs {
namespace {

/// What a thread needs.
template <class Real> class Worker {
 public:
  Worker(const Network<Real>& network, const Batch& batch) : network_(network), batch_(batch) {
    auto weights = plain_weights(network);
    std::size_t size = 0;
    for (const auto& layer : weights)
      for (const Weight<Real>& weight : layer)
        if (weight.trainable()) size += align<Real>(weight.attributes->size());
    gradients_ = Buffer<Real>(size);
    Real* next = gradients_.data();
    for (auto& layer : weights)
      for (Weight<Real>& weight : layer) {
        if (!weight.trainable()) continue;
        WeightAttributes plain = *weight.attributes;  // penalties are no part of the outputs
        plain.penalty = {};
        plain.by_rows = false;
        weight.attributes = std::make_shared<const WeightAttributes>(plain);
        weight.gradient = next;
        parts_.push_back({weight.number, next, plain.size()});
        next += align<Real>(plain.size());
      }
    Scoring by_caller;
    by_caller.by_caller = true;
    executor_ = std::make_unique<Executor<Real>>(network, 1, Mode::train,
                                                 std::vector<Scoring>(network.outputs.size(), by_caller),
                                                 std::move(weights), none_, batch.sources);
  }

  /// The gradients of the numbers of row i -> to (numbers, n).
  void row(std::size_t i, const std::vector<std::size_t>& places, std::size_t n, double* to) {
    executor_->begin(batch_.number);
    executor_->set_id(0, batch_.ids ? batch_.ids[i] : std::int64_t(i));
    for (std::size_t k = 0; k < batch_.x.size(); ++k) {
      const std::byte* const x = batch_.x[k] + i * network_.input_size(k) * item_size(batch_.sources[k]);
      executor_->set_rows(k, [=](std::size_t) { return x; });
    }
    for (std::size_t k = 0; k < executor_->heads.size(); ++k)
      for (std::size_t c = 0; c < network_.output_size(k); ++c, to += n) {
        executor_->run_forward();
        for (std::size_t other = 0; other < executor_->heads.size(); ++other)
          std::fill_n(executor_->heads[other].dy, network_.output_size(other), Real(0));
        executor_->heads[k].dy[c] = Real(1);
        executor_->run_backward();
        for (const Part& part : parts_) std::copy_n(part.at, part.size, to + places[part.weight]);
      }
  }

 private:
  struct Part {
    std::size_t weight;
    const Real* at;
    std::size_t size;
  };
  const Network<Real>& network_;
  const Batch& batch_;
  const UpdateEpilogue none_{};
  Buffer<Real> gradients_;
  std::vector<Part> parts_;
  std::unique_ptr<Executor<Real>> executor_;
};

}  // namespace

template <class Real>
void row_jacobian(const Network<Real>& network, const Batch& batch, const std::vector<std::size_t>& places,
                  std::size_t n, double* to) {
  constexpr std::size_t worth = 32;  // rows that another thread is worth
  const int threads = network.has_externals() ? 1 : threads_for(batch.rows / worth + 1);
  std::vector<std::unique_ptr<Worker<Real>>> workers;
  for (int k = 0; k < threads; ++k) workers.push_back(std::make_unique<Worker<Real>>(network, batch));
  std::size_t numbers = 0;
  for (std::size_t k = 0; k < network.outputs.size(); ++k) numbers += network.output_size(k);
  if (threads == 1) {
    for (std::size_t i = 0; i < batch.rows; ++i) workers[0]->row(i, places, n, to + i * numbers * n);
    return;
  }
  ThreadTeam::run(threads, [&](ThreadTeam& team) {
    team.stage(batch.rows, [&](std::size_t i, int thread) {
      workers[std::size_t(thread)]->row(i, places, n, to + i * numbers * n);
    });
  });
}

template void row_jacobian(const Network<float>&, const Batch&, const std::vector<std::size_t>&, std::size_t, double*);
template void row_jacobian(const Network<double>&, const Batch&, const std::vector<std::size_t>&, std::size_t, double*);

}  // namespace gs
