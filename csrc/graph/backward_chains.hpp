// Convolutions whose way back is one job: what one gives its input, samples of it at a time, the next one takes on from
// cache.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "graph/convolution/conv_backward.hpp"
#include "graph/stages.hpp"

namespace gs {

template <class Real> class BackwardChains {
 public:
  /// A job, and those that follow it in its stage, whose last dx nobody has read yet.
  struct Chain {
    ConvBackwardJob<Real>*first, *last;
    std::size_t stage;
  };

  /// Lets a job follow the chain that makes its dy, which then is in no memory: whether it does. access: all but dy.
  bool follow(std::unique_ptr<ConvBackwardJob<Real>>& job, const Real* dy, const Access& access, Stages<Real>& stages,
              Chain& chain) {
    const auto found = open_.find(dy);
    if (found == open_.end() || !job->is_cut_as(*found->second.last)) return false;
    chain = found->second;
    const std::size_t scratch = chain.first->scratch + chain.last->between() + job->scratch;
    if (!stages.extend(chain.stage, access, scratch)) return false;
    chain.first->scratch = scratch;
    ConvBackwardJob<Real>* const next = job.get();
    chain.last->follow(std::move(job));
    chain.last = next;
    return true;
  }

  void open(const Real* dx, const Chain& chain) { open_[dx] = chain; }
  /// Somebody uses this memory.
  void close(const void* memory) { open_.erase(memory); }

 private:
  std::unordered_map<const void*, Chain> open_;
};

/// Memory for parts of gradients, of kernels and biases, which take turns: layers need not wait until those of the
/// layers before them are summed.
template <class Real> class PartBuffers {
 public:
  /// Parts of the gradient of a weight, one for each of some blocks of samples, in memory that no gradient waits for;
  /// new ones in that of allocate(elements).
  template <class Allocate> GradParts<Real> take(const Weight<Real>& w, std::size_t samples, const Allocate& allocate) {
    constexpr std::size_t turns = 16, most = ConvBackwardJob<Real>::most_parts;
    const std::size_t count = Blocks(samples, (samples + most - 1) / most).count;
    const std::size_t stride = align<Real>(w.attributes->size()), n = count * stride;
    if (buffers_.size() < turns) buffers_.resize(turns);
    auto& [at, size] = buffers_[next_++ % turns];
    if (size < n || waiting_.count(at)) {
      at = allocate(n);
      size = n;
    }
    waiting_.insert(at);
    return {at, count, stride};
  }
  /// Their sum is in the schedule.
  void give(const std::vector<GradParts<Real>>& parts) {
    for (const GradParts<Real>& each : parts) waiting_.erase(each.at);
  }

 private:
  std::vector<std::pair<Real*, std::size_t>> buffers_;
  std::unordered_set<const Real*> waiting_;
  std::size_t next_ = 0;
};

}  // namespace gs
