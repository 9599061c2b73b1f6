// Outputs of a network, batch by batch.
#pragma once

#include <cstddef>
#include <vector>

#include "runtime/guard.hpp"
#include "train/loop/data.hpp"
#include "train/pass/kept_passes.hpp"

namespace gs {

/// Computes outputs of rows [begin, data.rows) in batches of at most batch_size, until `seconds` have passed or another
/// thread waits for the guard. Returns the first row that has none yet. outs: (rows, numbers of an output) of each
/// output. Of data only x and rows are read.
template <class Real>
std::size_t predict(const Network<Real>& network, KeptPasses<Real>& passes, const Data& data,
                    const std::vector<Real*>& outs, std::size_t batch_size, std::size_t begin, double seconds,
                    const Guard& guard);

}  // namespace gs
