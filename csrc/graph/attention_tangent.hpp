// Attention in the tangent pass.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>

#include "graph/attention_jobs.hpp"

namespace gs {

/// The directions of what an attention reads; null: it stands still.
template <class Real> struct AttentionDirections {
  const Real *q, *k, *v;
  const Real* factor;  // of the scale
};

/// dq, dk, dv of each head, and what the forward pass kept -> do (queries, value_size): with s = scale q k^T and p =
/// softmax(s), ds = scale (dq k^T + q dk^T) + dscale q k^T, dp = p (ds - sum p ds), do = dp v + p dv.
template <class Real> class AttentionTangentJob : public AttentionJob<Real> {
 public:
  AttentionTangentJob(const AttentionSizes& sizes, const AttentionValues<Real>& at, std::size_t samples,
                      const AttentionDirections<Real>& d, Real* to)
      : AttentionJob<Real>(sizes, at, samples), d_(d), do_(to) {}

  void run(std::size_t chunk, Real* scratch) const override {
    const AttentionSizes& s = this->sizes_;
    const AttentionValues<Real>& at = this->at_;
    this->each_head(chunk, [&](const auto& head) {
      Real *const ds = this->matrix(scratch, 0), *const used = this->matrix(scratch, 1);
      const Real* const p = at.p + head.index * s.scores();
      std::fill_n(ds, s.scores(), Real(0));
      const auto add_scores = [&](const Real* q, const Real* k, double by) {
        if (!q || !k || by == 0) return;
        this->multiply(q + head.q, this->stride(), false, k + head.k, this->stride(), true, used, s.keys, s.queries,
                       s.keys, s.size, scratch);
        for (std::size_t i = 0; i < s.scores(); ++i) ds[i] += Real(by) * used[i];
      };
      add_scores(d_.q, at.k, this->scale());
      add_scores(at.q, d_.k, this->scale());
      add_scores(at.q, at.k, d_.factor ? at.scale * double(*d_.factor) : 0);
      for (std::size_t t = 0; t < s.queries; ++t) {
        Real* const row = ds + t * s.keys;
        const Real* const weight = p + t * s.keys;
        Real mean = 0;
        for (std::size_t k = 0; k < s.keys; ++k) mean += weight[k] * row[k];
        for (std::size_t k = 0; k < s.keys; ++k) row[k] = weight[k] * (row[k] - mean);
        if (this->is_masked() && !this->sees_any(head, t)) std::fill_n(row, s.keys, Real(0));
      }
      if (s.rate > 0) this->drop(head, ds);
      Real* const to = do_ + head.o;
      this->multiply(ds, s.keys, false, at.v + head.v, this->value_stride(), false, to, this->value_stride(), s.queries,
                     s.value_size, s.keys, scratch);
      if (!d_.v) return;
      std::copy_n(p, s.scores(), used);
      if (s.rate > 0) this->drop(head, used);
      this->multiply(used, s.keys, false, d_.v + head.v, this->value_stride(), false, to, this->value_stride(),
                     s.queries, s.value_size, s.keys, scratch, true);
    });
  }

  std::string name() const override { return "attention tangent"; }

 private:
  const AttentionDirections<Real> d_;
  Real* const do_;
};

}  // namespace gs
