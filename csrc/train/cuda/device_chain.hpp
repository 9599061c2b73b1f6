// Networks that a GPU trains: layers one after another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "activations/all.hpp"
#include "train/outputs/scores.hpp"
#include "train/plan/network.hpp"

namespace gs {

/// A layer of a chain: (rows, in) -> (rows, out), where a sample has `rows` rows.
struct DeviceStage {
  enum class Kind { dense, activation, dropout, rescaling } kind;
  std::size_t layer, rows, in, out;
  bool use_bias = false;
  ActivationUse activation{};    // dense, activation
  double rate = 0;               // dropout
  std::uint64_t key = 0;         // dropout
  double scale = 1, offset = 0;  // rescaling
};

/// What keeps a network, or its losses and metrics, from a GPU, as the rest of a sentence: of a layer, or of none: -1.
struct DeviceProblem {
  std::string why{};  // empty: nothing
  std::ptrdiff_t layer = -1;
};

struct DeviceChain {
  std::vector<DeviceStage> stages;
  std::size_t input = 0, rows = 0, output = 0;  // numbers of a sample; rows of an output, and numbers of each
};

/// The layers of a network in their order; the first problem, if it is no chain of layers that a GPU computes.
template <class Real> DeviceProblem device_chain(const Network<Real>& network, DeviceChain& chain);
/// The first problem of what scores its output.
DeviceProblem device_problem(const DeviceChain& chain, const Scoring& scoring);
/// Takes the last activation out of the chain if the loss contains it; whether it did.
bool absorb(DeviceChain& chain, const LossUse& loss);

}  // namespace gs
