// Loops of attention over the scores of one head: their softmax, and scores that are sums of tanh.
#pragma once

#include <cstddef>

#include "kernels/isa.hpp"

namespace gs {

/// Which keys each query of a sample sees, and what a query that sees none gets: zeros, or the mean of all values.
template <class Real> struct AttentionMask {
  std::size_t queries, keys;
  bool causal, zeroes;                       // causal: query t sees keys up to t alone
  const Real *query_mask, *key_mask, *mask;  // (queries), (keys), (queries, keys); or null
};

/// Scores weight * sum over d of of_size[d] tanh(factor (q[t, d] + k[s, d])).
template <class Real> struct TanhScores {
  std::size_t queries, keys, size;
  const Real* of_size;  // (size), or null: ones
  Real factor, weight;
};

template <class Real> struct AttentionLoops {
  /// p (queries, keys): scores -> softmax(scale scores) over the keys that are seen
  void (*softmax)(const AttentionMask<Real>& mask, Real scale, Real* p);
  /// dp, p (queries, keys) -> dp: the gradient by the scores
  void (*softmax_grad)(const AttentionMask<Real>& mask, Real scale, const Real* p, Real* dp);
  /// q (queries, size), k (keys, size) -> scores (queries, keys)
  void (*tanh_scores)(const TanhScores<Real>& by, const Real* q, const Real* k, Real* scores);
  /// ds (queries, keys) -> dq, dk; and, over all scores, by d: of ds tanh(...) the sums `tanhs` (size), and of the
  /// gradient by factor (q + k), times q + k, the sums `factors` (size)
  void (*tanh_scores_grad)(const TanhScores<Real>& by, const Real* q, const Real* k, const Real* ds, Real* dq, Real* dk,
                           Real* tanhs, Real* factors);
};
struct AttentionTable {
  AttentionLoops<float> f32;
  AttentionLoops<double> f64;
};

template <class Isa> const AttentionTable& attention_table() noexcept;

}  // namespace gs
