#include "update/wrappers/sam.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "core/math.hpp"
#include "kernels/updates/gradient_transforms.hpp"
#include "runtime/subnormals.hpp"
#include "update/numbers.hpp"

namespace gs {
namespace {

/// f(Numbers of the weights, of the gradient), of float or double as steps compute.
template <class F> auto with_numbers(const ParamGrad& m, F f) {
  const Parameter& p = *m.parameter;
  if (real_of(p.dtype) == Dtype::f64)
    return f(Numbers<double>(p.dtype, p.layout, p.data), Numbers<double>(m.dtype, *m.layout, m.gradient), double());
  return f(Numbers<float>(p.dtype, p.layout, p.data), Numbers<float>(m.dtype, *m.layout, m.gradient), float());
}

/// visit(position, count) for [begin, end), all at once where nothing is copied.
template <class Visit> void in_blocks(const ArrayChunk& chunk, bool at_once, Visit visit) {
  const std::size_t most = at_once ? chunk.end - chunk.begin : block;
  for (std::size_t i = chunk.begin; i < chunk.end; i += most) visit(i, std::min(most, chunk.end - i));
}

/// Of a chunk's numbers times `by`.
double sum_of_squares(const ParamGrad& m, bool by_weights, double by, const ArrayChunk& chunk) {
  return with_numbers(m, [&](const auto& weights, const auto& gradient, auto zero) {
    using Real = decltype(zero);
    alignas(64) Real w_copy[block], g_copy[block];
    alignas(64) double products[block];
    double sums[square_lanes] = {};
    const FlushSubnormals exactly(false);  // small numbers count where all are small
    const bool plain = !by_weights && by == 1;
    in_blocks(chunk, plain && gradient.in_place(), [&](std::size_t at, std::size_t n) {
      const Real* const g = gradient.read(at, n, g_copy);
      if (plain) return gradient_transforms<Real>().squares(g, n, 0, sums);
      wrapper_loops<Real>().weigh(g, by_weights ? weights.read(at, n, w_copy) : nullptr, n, by, products);
      gradient_transforms<double>().squares(products, n, 0, sums);
    });
    return fold(sums);
  });
}

std::vector<ArrayChunk> chunks_of(const std::vector<ParamGrad>& grads) {
  std::vector<std::size_t> sizes;
  for (const ParamGrad& m : grads) sizes.push_back(m.size());
  return gs::chunks_of(sizes);
}

double norm(const std::vector<ParamGrad>& grads, bool by_weights, ThreadTeam* team,
            const std::vector<ArrayChunk>& chunks) {
  const FlushSubnormals exactly(false);
  std::vector<double> parts(chunks.size());
  const auto squares = [&](double by) {
    each_chunk(chunks.size(), team,
               [&](std::size_t i) { parts[i] = sum_of_squares(grads[chunks[i].array], by_weights, by, chunks[i]); });
    // In the order of the chunks, an array at a time: the same sum for any number of threads.
    double all = 0, own = 0;
    for (std::size_t i = 0; i < chunks.size(); ++i) {
      own += parts[i];
      if (i + 1 < chunks.size() && chunks[i + 1].array == chunks[i].array) continue;
      all += own;
      own = 0;
    }
    return all;
  };
  const double all = squares(1), by = rescaling(all);
  return by == 1 ? std::sqrt(all) : std::sqrt(squares(by)) / by;
}

/// keep(chunk): is told of each before its weights move.
template <class Keep>
void climb_by(const std::vector<ParamGrad>& grads, const std::vector<ArrayChunk>& chunks, double rho, bool adaptive,
              ThreadTeam* team, Keep keep) {
  const double length = norm(grads, adaptive, team, chunks);
  const double share = length != 0 ? rho / length : 0;
  each_chunk(chunks.size(), team, [&](std::size_t i) {
    const ArrayChunk& chunk = chunks[i];
    keep(chunk);
    with_numbers(grads[chunk.array], [&](const auto& weights, const auto& gradient, auto zero) {
      using Real = decltype(zero);
      alignas(64) Real w_copy[block], g_copy[block];
      in_blocks(chunk, weights.in_place() && gradient.in_place(), [&](std::size_t at, std::size_t n) {
        Real* const w = weights.read(at, n, w_copy);
        wrapper_loops<Real>().climb(w, gradient.read(at, n, g_copy), n, share, adaptive);
        weights.write(at, n, w);
      });
    });
  });
}

}  // namespace

double norm(const std::vector<ParamGrad>& grads, bool by_weights, ThreadTeam* team) {
  return norm(grads, by_weights, team, chunks_of(grads));
}

void climb(const std::vector<ParamGrad>& grads, double rho, bool adaptive, ThreadTeam* team) {
  climb_by(grads, chunks_of(grads), rho, adaptive, team, [](const ArrayChunk&) {});
}

void Neighbour::take(std::vector<ParamGrad> grads) {
  grads_ = std::move(grads);
  chunks_ = chunks_of(grads_);
  const auto bytes = [](const Parameter& p) { return align<std::byte>(p.layout.size * item_size(p.dtype)); };
  std::size_t size = 0;
  for (const ParamGrad& m : grads_) size += bytes(*m.parameter);
  memory_ = Buffer<std::byte>(size);
  origins_.clear();
  std::byte* next = memory_.data();
  for (const ParamGrad& m : grads_) {
    origins_.push_back(next);
    next += bytes(*m.parameter);
  }
}

void Neighbour::climb(double rho, bool adaptive, ThreadTeam* team) {
  climb_by(grads_, chunks_, rho, adaptive, team, [&](const ArrayChunk& chunk) { copy(chunk, false); });
}

void Neighbour::come_back(ThreadTeam* team) const {
  each_chunk(chunks_.size(), team, [&](std::size_t i) { copy(chunks_[i], true); });
}

void Neighbour::copy(const ArrayChunk& chunk, bool back) const {
  const Parameter& p = *grads_[chunk.array].parameter;
  const std::size_t item = item_size(p.dtype), at = chunk.begin * item, n = (chunk.end - chunk.begin) * item;
  std::byte* const origin = origins_[chunk.array] + at;
  if (!p.layout.contiguous && back)
    scatter(p.layout, p.data, item, chunk.begin, chunk.end, origin);
  else if (!p.layout.contiguous)
    gather(p.layout, p.data, item, chunk.begin, chunk.end, origin);
  else
    std::memcpy(back ? p.data + at : origin, back ? origin : p.data + at, n);
}

}  // namespace gs
