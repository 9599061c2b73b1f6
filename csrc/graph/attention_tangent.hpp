// Attention in the tangent pass.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>

#include "core/math.hpp"
#include "graph/attention_jobs.hpp"

namespace gs {

/// The directions of what an attention reads; null: it stands still.
template <class Real> struct AttentionDirections {
  const Real *q, *k, *v;
  const Real *factor, *weight, *of_size;  // of the scores
  GivenWeights<Real> given;               // where those of the weights are to be
};

/// dq, dk, dv of each head, and what the forward pass kept -> do (queries, value_size): with s = scale q k^T and p =
/// softmax(s), ds = scale (dq k^T + q dk^T) + dscale q k^T, dp = p (ds - sum p ds), do = dp v + p dv. Or ds by tanhs.
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
      if (this->tanhs())
        move_by_tanhs(head, ds);
      else
        move_by_products(head, ds, used, scratch);
      attention_loops<Real>().softmax_grad(this->mask_of(head), Real(1), p, ds);
      if (d_.given.matrix && !s.gives_dropped) std::copy_n(ds, s.scores(), this->of_head(d_.given, head));
      if (s.rate > 0) this->drop(head, ds);
      if (d_.given.matrix && s.gives_dropped) std::copy_n(ds, s.scores(), this->of_head(d_.given, head));
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
  template <class Head> void move_by_products(const Head& head, Real* ds, Real* one, Real* scratch) const {
    const AttentionSizes& s = this->sizes_;
    const AttentionValues<Real>& at = this->at_;
    std::fill_n(ds, s.scores(), Real(0));
    const auto add_scores = [&](const Real* q, const Real* k, double by) {
      if (!q || !k || by == 0) return;
      this->multiply(q + head.q, this->stride(), false, k + head.k, this->stride(), true, one, s.keys, s.queries,
                     s.keys, s.size, scratch);
      for (std::size_t i = 0; i < s.scores(); ++i) ds[i] += Real(by) * one[i];
    };
    add_scores(d_.q, at.k, this->scale());
    add_scores(at.q, d_.k, this->scale());
    add_scores(at.q, at.k, d_.factor ? at.scale * double(*d_.factor) : 0);
  }

  template <class Head> void move_by_tanhs(const Head& head, Real* ds) const {
    const AttentionSizes& s = this->sizes_;
    const TanhScores<Real> by = this->by_tanhs();
    const Real factor = d_.factor ? *d_.factor : Real(0), weight = d_.weight ? *d_.weight : Real(0);
    for (std::size_t i = 0; i < s.scores(); ++i) {
      const std::size_t q = head.q + i / s.keys * s.size, k = head.k + i % s.keys * s.size;
      Real whole = 0, moves = 0;
      for (std::size_t j = 0; j < s.size; ++j) {
        const Real sum = this->at_.q[q + j] + this->at_.k[k + j], value = tanh(by.factor * sum);
        const Real move = (d_.q ? d_.q[q + j] : Real(0)) + (d_.k ? d_.k[k + j] : Real(0));
        const Real of_size = by.of_size ? by.of_size[j] : Real(1);
        whole += of_size * value;
        moves += of_size * (1 - value * value) * (by.factor * move + factor * sum);
        if (d_.of_size) moves += d_.of_size[j] * value;
      }
      ds[i] = weight * whole + by.weight * moves;
    }
  }

  const AttentionDirections<Real> d_;
  Real* const do_;
};

}  // namespace gs
