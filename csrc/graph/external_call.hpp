// A call of a layer that is computed outside the engine.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "graph/matrix.hpp"

namespace gs {

/// Numbers of a shard of a batch whose sum over all shards is needed in the midst of a pass.
struct Exchange {
  const double* own;
  std::size_t count;
  bool backward;  // whether they follow from gradients, of the mean over the rows of the shard
  /// Takes the sum; moves: whether statistics that a batch moves are to be moved by it.
  std::function<void(const double* total, bool moves)> take;
};

/// A layer of the user's program, called between two stages. Every matrix has a row for each sample of the batch.
template <class Real> struct ExternalCall {
  std::size_t layer = 0;  // its number among those of the network
  bool backward = false;
  bool tangent = false;                   // dxs and gradients are then directions, to be read, and dy is to be written
  std::vector<Matrix<Real>> xs;           // to be read; in backward too
  Matrix<Real> y{};                       // forward: to be written
  Matrix<Real> dy{};                      // backward: to be read
  std::vector<Matrix<Real>> dxs{};        // backward: to be written; without memory where no gradient is needed
  std::vector<Matrix<Real>> gradients{};  // by each weight, to be written; none for one that is not trained
  std::size_t stage = 0;                  // before which it is due
  std::shared_ptr<const Exchange> exchange{};  // then this is due, and no layer is called
  std::optional<std::size_t> bucket{};         // nor here: the gradients of all weights from this number on are made
};

}  // namespace gs
