// Products of the Gauss-Newton matrix of the loss over many rows with directions, chunk by chunk of the rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/buffer.hpp"
#include "train/loop/train_loop.hpp"
#include "train/pass/executor.hpp"

namespace gs {

/// The loss is the mean over chunks, weighed by their rows. One pass over the rows at a time, a slice of it at a time.
template <class Real> class CurvatureLoop {
 public:
  /// places (weight): where each trained weight begins in the vectors.
  CurvatureLoop(const Network<Real>& network, std::vector<Scoring> scorings, const Data& data, std::size_t chunk,
                std::vector<std::size_t> places);

  /// Begins a pass over the rows: sum = G v, with what the weights' penalties add; or, without v, an estimate of the
  /// diagonal of G. ids (row), or empty: 0, 1, 2, ..., and the number of the pass: what random numbers depend on.
  void start(const double* v, double* sum, std::vector<std::int64_t> ids, std::uint32_t number);
  /// Whole chunks until `seconds` have passed, at least one; true when the pass is over.
  bool advance(double seconds);
  bool over() const { return at_ == data_.rows; }

 private:
  Executor<Real>& executor(std::size_t batch);
  void set_rows(Executor<Real>& executor);
  void add(Executor<Real>& executor);
  /// visit(weight, where it begins in the vectors) for each that is trained.
  template <class Visit> void each_trained(Visit visit);

  const Network<Real>& network_;
  const std::vector<Scoring> scorings_;
  const Data data_;
  const std::size_t chunk_;
  const std::vector<std::size_t> places_;
  const UpdateEpilogue none_{};
  std::vector<std::vector<Weight<Real>>> weights_;  // with gradients and directions in memory_, and their penalties
  Buffer<Real> memory_;
  std::unique_ptr<Executor<Real>> whole_, rest_;
  bool along_ = true;  // whether there is a v
  double* sum_ = nullptr;
  std::vector<std::int64_t> ids_;
  std::uint32_t number_ = 0;
  std::size_t at_;  // rows that are done
};

/// Weights without their penalties, which are apart from what goes back through a network.
template <class Real>
std::vector<std::vector<Weight<Real>>> without_penalties(std::vector<std::vector<Weight<Real>>> weights) {
  for (auto& layer : weights)
    for (Weight<Real>& weight : layer) {
      if (!weight.attributes->penalty) continue;
      WeightAttributes without = *weight.attributes;
      without.penalty = {};
      weight.attributes = std::make_shared<const WeightAttributes>(without);
    }
  return weights;
}

}  // namespace gs
