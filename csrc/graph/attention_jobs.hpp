// Scaled dot-product attention, head by head of each sample.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "activations/all.hpp"
#include "core/blocks.hpp"
#include "graph/matrix.hpp"
#include "kernels/drop.hpp"
#include "kernels/gemm.hpp"
#include "runtime/buffer.hpp"
#include "runtime/dispatch.hpp"
#include "runtime/job.hpp"
#include "runtime/product_job.hpp"

namespace gs {

/// What an attention is of.
struct AttentionSizes {
  std::size_t heads, queries, keys;  // of a sample
  std::size_t size, value_size;      // of a query and a key, and of a value, of a head
  bool causal;                       // whether query t sees keys up to t alone
  bool zeroes;                       // whether a query that sees no key gets zeros, and not the mean of the values
  double rate = 0;                   // of the weights that are dropped
  std::uint64_t key = 0;             // of what is drawn

  std::size_t scores() const { return queries * keys; }
};

/// Where it lies; q, k, v, o and their gradients (samples, steps, heads, size).
template <class Real> struct AttentionValues {
  const Real *q, *k, *v;
  Real* o;
  Real* p;  // (samples, heads, queries, keys): softmax(scale q k^T), for the backward pass; or null
  const Real *query_mask, *key_mask, *mask;  // (samples, queries), (samples, keys), (samples, queries, keys); or null
  double scale;
  const Real* factor;           // of the scale; or null: 1
  const std::int64_t* ids;      // (samples)
  const std::uint32_t* number;  // of the pass
};

/// What both passes have in common.
template <class Real> class AttentionJob : public Job<Real> {
 public:
  AttentionJob(const AttentionSizes& sizes, const AttentionValues<Real>& at, std::size_t samples)
      : sizes_(sizes),
        at_(at),
        blocks_(samples * sizes.heads, std::max<std::size_t>(1, (1 << 17) / work(sizes))),
        pointers_(align<Real>(2 * std::max(sizes.queries, sizes.keys) * (sizeof(void*) / sizeof(Real)))),
        matrix_(align<Real>(sizes.scores())),
        gemm_(products<Real>().gemm) {
    this->chunks = blocks_.count;
    const std::size_t most = std::max({sizes.queries, sizes.keys, sizes.size, sizes.value_size});
    this->scratch = pointers_ + matrices * matrix_ + gemm_scratch(most, most);
  }

 protected:
  /// A head of a sample.
  struct Head {
    std::size_t sample, head, index;
    std::size_t q, k, v, o;  // where its first rows begin
  };
  template <class Visit> void each_head(std::size_t chunk, Visit visit) const {
    const AttentionSizes& s = sizes_;
    for (std::size_t i = blocks_.begin(chunk); i < blocks_.begin(chunk) + blocks_.size(chunk); ++i) {
      const std::size_t b = i / s.heads, h = i % s.heads;
      visit(Head{b, h, i, (b * s.queries * s.heads + h) * s.size, (b * s.keys * s.heads + h) * s.size,
                 (b * s.keys * s.heads + h) * s.value_size, (b * s.queries * s.heads + h) * s.value_size});
    }
  }
  std::size_t stride() const { return sizes_.heads * sizes_.size; }
  std::size_t value_stride() const { return sizes_.heads * sizes_.value_size; }
  double scale() const { return at_.scale * (at_.factor ? double(*at_.factor) : 1); }

  // a (rows, depth) of row stride lda, or transposed (depth, rows); b (depth, columns), or transposed -> c
  void multiply(const Real* a, std::size_t lda, bool a_transposed, const Real* b, std::size_t ldb, bool b_transposed,
                Real* c, std::size_t ldc, std::size_t rows, std::size_t columns, std::size_t depth, Real* scratch,
                bool adds = false) const {
    const void** const pointers = reinterpret_cast<const void**>(scratch);
    const std::size_t count = a_transposed ? depth : rows;
    for (std::size_t i = 0; i < count; ++i) pointers[i] = a + i * lda;
    Product<Real> q{
        {pointers, source_of<Real>}, 0, a_transposed, b, ldb, b_transposed, nullptr, c, ldc, rows, columns, depth};
    q.adds = adds;
    gemm_(q, scratch + pointers_ + matrices * matrix_);
  }
  Real* matrix(Real* scratch, std::size_t i) const { return scratch + pointers_ + i * matrix_; }

  /// Whether query t of a sample sees key s.
  bool sees(const Head& at, std::size_t t, std::size_t s) const {
    if (sizes_.causal && s > t) return false;
    if (at_.query_mask && at_.query_mask[at.sample * sizes_.queries + t] == 0) return false;
    if (at_.key_mask && at_.key_mask[at.sample * sizes_.keys + s] == 0) return false;
    return !at_.mask || at_.mask[at.sample * sizes_.scores() + t * sizes_.keys + s] != 0;
  }
  bool is_masked() const { return sizes_.causal || at_.query_mask || at_.key_mask || at_.mask; }
  bool sees_any(const Head& at, std::size_t t) const {
    for (std::size_t s = 0; s < sizes_.keys; ++s)
      if (sees(at, t, s)) return true;
    return false;
  }

  void drop(const Head& at, Real* scores) const {
    const std::uint64_t key = sizes_.key + at.head * 0x9e3779b97f4a7c15u;
    const double kept = sizes_.rate < 1 ? 1 / (1 - sizes_.rate) : 0;
    kernels().drop.drop[dtype_of<Real>()](scores, 1, sizes_.scores(), at_.ids + at.sample,
                                          Draw{key, *at_.number, drop_threshold(sizes_.rate), kept});
  }

  const AttentionSizes sizes_;
  const AttentionValues<Real> at_;

 private:
  static std::size_t work(const AttentionSizes& s) {
    return std::max<std::size_t>(1, s.scores() * (s.size + s.value_size));
  }

  static constexpr std::size_t matrices = 2;  // of scores, in scratch
  const Blocks blocks_;
  const std::size_t pointers_, matrix_;  // elements of scratch
  const Gemm<Real> gemm_;
};

/// o = softmax(scale q k^T) v
template <class Real> class AttentionForwardJob : public AttentionJob<Real> {
 public:
  AttentionForwardJob(const AttentionSizes& sizes, const AttentionValues<Real>& at, std::size_t samples)
      : AttentionJob<Real>(sizes, at, samples) {}

  void run(std::size_t chunk, Real* scratch) const override {
    const AttentionSizes& s = this->sizes_;
    const AttentionValues<Real>& at = this->at_;
    const MapForward softmax = kernels().map.of[index_of<Softmax>(Activations{})].forward[dtype_of<Real>()];
    this->each_head(chunk, [&](const auto& head) {
      Real *p = at.p ? at.p + head.index * s.scores() : this->matrix(scratch, 0), *used = p;
      this->multiply(at.q + head.q, this->stride(), false, at.k + head.k, this->stride(), true, p, s.keys, s.queries,
                     s.keys, s.size, scratch);
      const Real scale = Real(this->scale());
      for (std::size_t i = 0; i < s.scores(); ++i) p[i] *= scale;
      if (this->is_masked())
        for (std::size_t t = 0; t < s.queries; ++t)
          for (std::size_t k = 0; k < s.keys; ++k)
            if (!this->sees(head, t, k)) p[t * s.keys + k] = Real(-1e9);
      softmax(nullptr, p, p, MatrixLayout(s.queries, s.keys, s.keys));
      if (this->is_masked() && s.zeroes)
        for (std::size_t t = 0; t < s.queries; ++t)
          if (!this->sees_any(head, t)) std::fill_n(p + t * s.keys, s.keys, Real(0));
      if (s.rate > 0 && at.ids) {
        used = this->matrix(scratch, 1);
        std::copy_n(p, s.scores(), used);
        this->drop(head, used);
      }
      this->multiply(used, s.keys, false, at.v + head.v, this->value_stride(), false, at.o + head.o,
                     this->value_stride(), s.queries, s.value_size, s.keys, scratch);
    });
  }

  std::string name() const override { return "attention"; }
};

/// do (queries, value_size) of each head, and what the forward pass kept -> dq, dk, dv; and for each head its part of
/// the gradient by the factor of the scale, unless `factors` is null.
template <class Real> class AttentionBackwardJob : public AttentionJob<Real> {
 public:
  AttentionBackwardJob(const AttentionSizes& sizes, const AttentionValues<Real>& at, std::size_t samples,
                       const Real* grad, Real* dq, Real* dk, Real* dv, Real* factors)
      : AttentionJob<Real>(sizes, at, samples), do_(grad), dq_(dq), dk_(dk), dv_(dv), factors_(factors) {}

  void run(std::size_t chunk, Real* scratch) const override {
    const AttentionSizes& s = this->sizes_;
    const AttentionValues<Real>& at = this->at_;
    this->each_head(chunk, [&](const auto& head) {
      const Real *p = at.p + head.index * s.scores(), *used = p;
      Real *const ds = this->matrix(scratch, 0), *const dropped = this->matrix(scratch, 1);
      if (s.rate > 0) {
        std::copy_n(p, s.scores(), dropped);
        this->drop(head, dropped);
        used = dropped;
      }
      this->multiply(used, s.keys, true, do_ + head.o, this->value_stride(), false, dv_ + head.v, this->value_stride(),
                     s.keys, s.value_size, s.queries, scratch);
      this->multiply(do_ + head.o, this->value_stride(), false, at.v + head.v, this->value_stride(), true, ds, s.keys,
                     s.queries, s.keys, s.value_size, scratch);
      if (s.rate > 0) this->drop(head, ds);
      const Real scale = Real(this->scale());
      for (std::size_t t = 0; t < s.queries; ++t) {
        Real* const row = ds + t * s.keys;
        const Real* const weight = p + t * s.keys;
        Real sum = 0;
        for (std::size_t k = 0; k < s.keys; ++k) sum += weight[k] * row[k];
        for (std::size_t k = 0; k < s.keys; ++k) row[k] = weight[k] * (row[k] - sum);
        if (this->is_masked() && !this->sees_any(head, t)) std::fill_n(row, s.keys, Real(0));
      }
      Real* const dq = dq_ + head.q;
      this->multiply(ds, s.keys, false, at.k + head.k, this->stride(), false, dq, this->stride(), s.queries, s.size,
                     s.keys, scratch);
      this->multiply(ds, s.keys, true, at.q + head.q, this->stride(), false, dk_ + head.k, this->stride(), s.keys,
                     s.size, s.queries, scratch);
      double along = 0;
      for (std::size_t t = 0; t < s.queries; ++t)
        for (std::size_t j = 0; j < s.size; ++j) {
          Real& slope = dq[t * this->stride() + j];
          if (factors_) along += double(at.q[head.q + t * this->stride() + j]) * double(slope);
          slope *= scale;
        }
      if (factors_) factors_[head.index] = Real(along * at.scale);
      for (std::size_t k = 0; k < s.keys; ++k)
        for (std::size_t j = 0; j < s.size; ++j) dk_[head.k + k * this->stride() + j] *= scale;
    });
  }

  std::string name() const override { return "attention back"; }

 private:
  const Real* const do_;
  Real *const dq_, *const dk_, *const dv_, *const factors_;
};

}  // namespace gs
