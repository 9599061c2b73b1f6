// Forward and backward passes on their own, for a caller that has the rest of a computation: outputs now, and gradients
// once that of the outputs is known.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "train/pass/executor.hpp"

namespace gs {

/// Rows of each input, in C order, and what random numbers depend on.
struct Batch {
  std::vector<const std::byte*> x;
  std::vector<Source> sources;
  std::size_t rows;
  const std::int64_t* ids = nullptr;  // (rows), of the rows in their data set; null: 0, 1, 2, ...
  std::uint32_t number = 0;           // of the pass over the data
};

/// The network with the weight attributes that it has when this is made; to be used as long as `current`.
template <class Real> class ForwardBackward {
 public:
  /// gradients: where they are left, a place for each weight that is trained.
  ForwardBackward(const Network<Real>& network, std::vector<Real*> gradients);
  bool current() const { return version_ == network_.version; }

  /// Mode::predict: outputs alone. Mode::train: in training, to go backward from; Mode::gradient: to dx too. The
  /// executor keeps its outputs until the next batch of as many rows; x is read again by `backward`.
  Executor<Real>& forward(const Batch& batch, Mode mode);
  /// From dy of the heads of the executor that went forward to go backward last; once, for it writes over what it
  /// needs.
  Executor<Real>& backward();
  /// That executor; null if there is none, or after its backward pass.
  Executor<Real>* last() const { return last_; }

 private:
  struct Kept {
    std::unique_ptr<Executor<Real>> executor;
    Mode mode;
    std::vector<Source> sources;
  };
  Executor<Real>& executor(const Batch& batch, Mode mode);

  const Network<Real>& network_;
  const std::size_t version_;
  const UpdateEpilogue none_{};
  std::vector<std::vector<Weight<Real>>> weights_;
  std::vector<Kept> kept_;  // used last, first
  Executor<Real>* last_ = nullptr;
};

}  // namespace gs
