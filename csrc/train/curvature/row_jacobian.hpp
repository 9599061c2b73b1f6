// The derivatives of a network's outputs by its weights, row by row of the data.
#pragma once

#include <cstddef>
#include <vector>

#include "train/pass/forward_backward.hpp"

namespace gs {

/// to (rows * numbers, n): for each number that the network gives for each row of the batch, output by output, its
/// gradient by the trained weights, in training. places (weight): where each begins in a row of n. Rows must not depend
/// on each other. A backward pass a row and number, each of one row: rows are shared out among threads.
template <class Real>
void row_jacobian(const Network<Real>& network, const Batch& batch, const std::vector<std::size_t>& places,
                  std::size_t n, double* to);

}  // namespace gs
