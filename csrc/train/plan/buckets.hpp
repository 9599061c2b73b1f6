// Of a backward pass: gradients that are complete while it goes on, so that they can be sent to other processes.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "graph/schedule.hpp"

namespace gs {

/// Cuts the trained weights, from the last one on, into buckets of consecutive ones.
template <class Real> class Buckets {
 public:
  /// A message of as many bytes takes long enough that its latency does not count.
  static constexpr std::size_t least = std::size_t(1) << 20;

  explicit Buckets(const std::vector<std::vector<Weight<Real>>>& weights) {
    for (const auto& layer : weights)
      for (const Weight<Real>& weight : layer)
        if (weight.trainable()) sizes_.push_back(weight.attributes->size());
    is_made_.resize(sizes_.size());
    first_ = sizes_.size();
  }

  /// The gradients of a layer are made.
  void add(const std::vector<Weight<Real>>& layer) {
    for (const Weight<Real>& weight : layer)
      if (weight.trainable()) is_made_[weight.number] = true;
  }

  /// The first weight of a bucket that is complete now, if one is and is not the last.
  std::optional<std::size_t> complete() {
    for (; first_ > 0 && is_made_[first_ - 1]; --first_) numbers_ += sizes_[first_ - 1];
    if (first_ == 0 || numbers_ * sizeof(Real) < least) return std::nullopt;
    numbers_ = 0;
    return first_;
  }

 private:
  std::vector<std::size_t> sizes_;  // (weight)
  std::vector<bool> is_made_;       // (weight)
  std::size_t first_, numbers_ = 0;
};

}  // namespace gs
