// Outputs of a network, batch by batch.
#pragma once

#include <cstddef>
#include <vector>

#include "runtime/guard.hpp"
#include "train/loop/data.hpp"
#include "train/pass/kept_passes.hpp"

namespace gs {

/// Outputs of rows [begin, data.rows) -> outs, each (rows, numbers of an output), in batches of at most batch_size,
/// until `seconds` have passed or somebody waits for the guard; how far it got. data: x and rows; the rest is not read.
template <class Real>
std::size_t predict(const Network<Real>& network, KeptPasses<Real>& passes, const Data& data,
                    const std::vector<Real*>& outs, std::size_t batch_size, std::size_t begin, double seconds,
                    const Guard& guard);

}  // namespace gs
