// Batches in two halves, for somebody who has the rest of a computation: outputs now, and gradients once their slope is
// known.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "train/pass.hpp"

namespace gs {

/// Rows of x (rows, inputs) in C order, and what random numbers depend on.
struct Batch {
  const std::byte* x;
  Source source;
  std::size_t rows;
  const std::int64_t* ids = nullptr;  // (rows), of the rows in their data set; null: 0, 1, 2, ...
  std::uint32_t number = 0;           // of the pass over the data
};

/// The network as it is treated when the tape is made; to be used as long as `current`.
template <class Real> class Tape {
 public:
  /// gradients: where they are left, a place for each weight that is trained.
  Tape(const Network<Real>& network, std::vector<Real*> gradients);
  bool current() const { return version_ == network_.version; }

  /// Goal::predict: outputs alone. Goal::train: in training, to go backward from; Goal::gradient: to dx too. The pass
  /// keeps its outputs until the next one of as many rows; x is read again by `backward`.
  Pass<Real>& forward(const Batch& batch, Goal goal);
  /// From dy of the pass that went forward to go backward last; once, for it writes over what it needs.
  Pass<Real>& backward();
  /// That pass; null if there is none, or it has gone backward.
  Pass<Real>* last() const { return last_; }

 private:
  struct Kept {
    std::unique_ptr<Pass<Real>> pass;
    Goal goal;
    Source source;
  };
  Pass<Real>& pass(const Batch& batch, Goal goal);

  const Network<Real>& network_;
  const std::size_t version_;
  const Mover none_{};
  std::vector<std::vector<Weight<Real>>> weights_;
  std::vector<Kept> kept_;  // used last, first
  Pass<Real>* last_ = nullptr;
};

}  // namespace gs
