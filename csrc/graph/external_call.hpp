// A call of what is no part of the engine.
#pragma once

#include <cstddef>
#include <vector>

#include "graph/matrix.hpp"

namespace gs {

/// Something that is computed elsewhere, between two stages: a layer of the user's own. Matrices are of rows (batch).
template <class Real> struct ExternalCall {
  std::size_t layer = 0;  // its number among those of the network
  bool backward = false;
  std::vector<Matrix<Real>> xs;           // to be read; in backward too
  Matrix<Real> y{};                       // forward: to be written
  Matrix<Real> dy{};                      // backward: to be read
  std::vector<Matrix<Real>> dxs{};        // to be written, where somebody wants them
  std::vector<Matrix<Real>> gradients{};  // by each weight, to be written; none for one that is not trained
  std::size_t stage = 0;                  // before which it is due
};

}  // namespace gs
