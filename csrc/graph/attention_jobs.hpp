// Attention, head by head of each sample.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/blocks.hpp"
#include "graph/matrix.hpp"
#include "kernels/layers/attention.hpp"
#include "kernels/layers/drop.hpp"
#include "kernels/products/gemm.hpp"
#include "runtime/buffer.hpp"
#include "runtime/dispatch.hpp"
#include "runtime/fetch.hpp"
#include "runtime/job.hpp"
#include "runtime/products/product_job.hpp"

namespace gs {

/// How the score of a query and a key follows from them: scale q k, or weight * sum over d of of_size[d] tanh(factor
/// (q[d] + k[d])).
enum class ScoreKind { products, tanhs };

/// What an attention is of.
struct AttentionSizes {
  std::size_t groups;                    // in a sample, which see nothing of one another
  std::size_t heads, queries, keys;      // of a group
  std::size_t size, value_size;          // of a query and a key, and of a value, of a head
  bool causal;                           // whether query t sees keys up to t alone
  bool zeroes;                           // whether a query that sees no key gets zeros, and not the mean of the values
  bool mask_of_group;                    // whether a mask of both is of a group, and not of all groups of a sample
  ScoreKind kind = ScoreKind::products;  // tanhs: of one head
  double rate = 0;                       // of the weights that are dropped
  std::uint64_t key = 0;                 // of what is drawn
  bool gives_dropped = false;            // whether the weights that it gives beside o are those after dropping

  std::size_t scores() const { return queries * keys; }
};

/// Weights of the means, softmax of the scores, as numbers [at, at + groups * heads * queries * keys) of the rows of a
/// matrix: where they, or the gradients or directions by them, lie.
template <class Real> struct GivenWeights {
  Real* matrix = nullptr;  // null: they are not given
  std::size_t stride = 0, at = 0;
};

/// Where it lies; q, k, v, o and their gradients (samples, groups, steps, heads, size).
template <class Real> struct AttentionValues {
  const Real *q, *k, *v;
  Real* o;
  Real* p;  // (samples, groups, heads, queries, keys): softmax of the scores, for the backward pass; or null
  const Real *query_mask, *key_mask, *mask;  // (samples, groups, queries), likewise of keys, and of both; or null
  double scale;
  const Real *factor, *weight, *of_size;  // of the scores, (), () and (size); or null: 1
  const std::int64_t* ids;                // (samples)
  const std::uint32_t* number;            // of the pass
  GivenWeights<Real> given;
};

/// Where the gradients are, by o, and are to be: factors, weights (samples, groups) and of_size (samples, groups, size)
/// have the parts of each group in those by what scores depend on; or are null.
template <class Real> struct AttentionGradients {
  const Real* o;
  Real *q, *k, *v, *factors, *weights, *of_size;
  GivenWeights<Real> given;
};

/// What both passes have in common.
template <class Real> class AttentionJob : public Job<Real> {
 public:
  AttentionJob(const AttentionSizes& sizes, const AttentionValues<Real>& at, std::size_t samples)
      : sizes_(sizes),
        at_(at),
        blocks_(samples * sizes.groups * sizes.heads, std::max<std::size_t>(1, (1 << 17) / work(sizes))),
        pointers_(align<Real>(2 * std::max(sizes.queries, sizes.keys) * (sizeof(void*) / sizeof(Real)))),
        matrix_(align<Real>(std::max(sizes.scores(), sizes.size))),
        gemm_(products<Real>().gemm) {
    this->chunks = blocks_.count;
    const std::size_t most = std::max({sizes.queries, sizes.keys, sizes.size, sizes.value_size});
    this->scratch = pointers_ + matrices * matrix_ + gemm_scratch(most, most);
  }

 protected:
  /// A head of a group of a sample.
  struct Head {
    std::size_t sample, part, group, index;  // part: of a sample; group and index: of the batch
    std::size_t q, k, v, o;                  // where its first rows begin
  };
  template <class Visit> void each_head(std::size_t chunk, Visit visit) const {
    const std::size_t begin = blocks_.begin(chunk);
    for (std::size_t i = begin; i < begin + blocks_.size(chunk); ++i) visit(head(i));
  }
  Head head(std::size_t i) const {
    const AttentionSizes& s = sizes_;
    const std::size_t b = i / s.heads, h = i % s.heads;
    return {b / s.groups,
            i % (s.groups * s.heads),
            b,
            i,
            (b * s.queries * s.heads + h) * s.size,
            (b * s.keys * s.heads + h) * s.size,
            (b * s.keys * s.heads + h) * s.value_size,
            (b * s.queries * s.heads + h) * s.value_size};
  }
  /// Begins to move what the head after this one reads near; o: by which the gradient is, or null.
  HD void fetch_next(const Head& at, const Real* o) const {
    const AttentionSizes& s = sizes_;
    if (at.index + 1 == blocks_.n) return;
    const Head next = head(at.index + 1);
    fetch(at_.q + next.q, MatrixLayout(s.queries, s.size, stride()));
    fetch(at_.k + next.k, MatrixLayout(s.keys, s.size, stride()));
    fetch(at_.v + next.v, MatrixLayout(s.keys, s.value_size, value_stride()));
    if (!o) return;
    fetch(o + next.o, MatrixLayout(s.queries, s.value_size, value_stride()));
    fetch(at_.p + next.index * s.scores(), MatrixLayout(s.scores()));
  }
  std::size_t stride() const { return sizes_.heads * sizes_.size; }
  std::size_t value_stride() const { return sizes_.heads * sizes_.value_size; }
  /// What scores are multiplied by before their softmax.
  double scale() const { return at_.scale * (at_.factor && !tanhs() ? double(*at_.factor) : 1); }
  bool tanhs() const { return sizes_.kind == ScoreKind::tanhs; }
  TanhScores<Real> by_tanhs() const {
    return {sizes_.queries,
            sizes_.keys,
            sizes_.size,
            at_.of_size,
            at_.factor ? *at_.factor : Real(1),
            at_.weight ? *at_.weight : Real(1)};
  }
  AttentionMask<Real> mask_of(const Head& at) const {
    const AttentionSizes& s = sizes_;
    const auto from = [](const Real* mask, std::size_t at) { return mask ? mask + at : nullptr; };
    return {s.queries,
            s.keys,
            s.causal,
            s.zeroes,
            from(at_.query_mask, at.group * s.queries),
            from(at_.key_mask, at.group * s.keys),
            from(at_.mask, (s.mask_of_group ? at.group : at.sample) * s.scores())};
  }

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
    gemm_(q, products_scratch(scratch));
  }
  Real* products_scratch(Real* scratch) const { return scratch + pointers_ + matrices * matrix_; }
  Real* matrix(Real* scratch, std::size_t i) const { return scratch + pointers_ + i * matrix_; }

  /// Where those of a head lie.
  Real* of_head(const GivenWeights<Real>& given, const Head& at) const {
    return given.matrix + at.sample * given.stride + given.at + at.part * sizes_.scores();
  }

  void drop(const Head& at, Real* scores) const {
    const std::uint64_t key = sizes_.key + at.part * 0x9e3779b97f4a7c15u;
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

/// o = softmax(scores) v
template <class Real> class AttentionForwardJob : public AttentionJob<Real> {
 public:
  AttentionForwardJob(const AttentionSizes& sizes, const AttentionValues<Real>& at, std::size_t samples)
      : AttentionJob<Real>(sizes, at, samples) {}

  void run(std::size_t chunk, Real* scratch) const override {
    const AttentionSizes& s = this->sizes_;
    const AttentionValues<Real>& at = this->at_;
    this->each_head(chunk, [&](const auto& head) {
      this->fetch_next(head, nullptr);
      Real *p = at.p ? at.p + head.index * s.scores() : this->matrix(scratch, 0), *used = p;
      if (this->tanhs())
        attention_loops<Real>().tanh_scores(this->by_tanhs(), at.q + head.q, at.k + head.k, p);
      else
        this->multiply(at.q + head.q, this->stride(), false, at.k + head.k, this->stride(), true, p, s.keys, s.queries,
                       s.keys, s.size, scratch);
      attention_loops<Real>().softmax(this->mask_of(head), Real(this->scale()), p);
      if (s.rate > 0 && at.ids) {
        used = this->matrix(scratch, 1);
        std::copy_n(p, s.scores(), used);
        this->drop(head, used);
      }
      if (at.given.matrix) std::copy_n(s.gives_dropped ? used : p, s.scores(), this->of_head(at.given, head));
      this->multiply(used, s.keys, false, at.v + head.v, this->value_stride(), false, at.o + head.o,
                     this->value_stride(), s.queries, s.value_size, s.keys, scratch);
    });
  }

  std::string name() const override { return "attention"; }
};

/// The gradient by o of each head, and what the forward pass kept -> the others; those by v, k and q may lie where v, k
/// and the gradient by o do.
template <class Real> class AttentionBackwardJob : public AttentionJob<Real> {
 public:
  AttentionBackwardJob(const AttentionSizes& sizes, const AttentionValues<Real>& at, std::size_t samples,
                       const AttentionGradients<Real>& gradients)
      : AttentionJob<Real>(sizes, at, samples), to_(gradients) {}

  void run(std::size_t chunk, Real* scratch) const override {
    const AttentionSizes& s = this->sizes_;
    const AttentionValues<Real>& at = this->at_;
    this->each_head(chunk, [&](const auto& head) {
      this->fetch_next(head, to_.o);
      const Real *p = at.p + head.index * s.scores(), *used = p;
      Real *const ds = this->matrix(scratch, 0), *const other = this->matrix(scratch, 1);
      if (s.rate > 0) {
        std::copy_n(p, s.scores(), other);
        this->drop(head, other);
        used = other;
      }
      const Real* const grad = to_.o + head.o;
      this->multiply(grad, this->value_stride(), false, at.v + head.v, this->value_stride(), true, ds, s.keys,
                     s.queries, s.keys, s.value_size, scratch);
      this->multiply(used, s.keys, true, grad, this->value_stride(), false, to_.v + head.v, this->value_stride(),
                     s.keys, s.value_size, s.queries, scratch);
      if (to_.given.matrix && s.gives_dropped) add_to(ds, this->of_head(to_.given, head), s.scores());
      if (s.rate > 0) this->drop(head, ds);
      if (to_.given.matrix && !s.gives_dropped) add_to(ds, this->of_head(to_.given, head), s.scores());
      attention_loops<Real>().softmax_grad(this->mask_of(head), to_.factors ? Real(1) : Real(this->scale()), p, ds);
      if (this->tanhs()) return back_by_tanhs(head, ds, other, scratch);
      Real* const dq = to_.q + head.q;
      this->multiply(ds, s.keys, false, at.k + head.k, this->stride(), false, dq, this->stride(), s.queries, s.size,
                     s.keys, scratch);
      this->multiply(ds, s.keys, true, at.q + head.q, this->stride(), false, to_.k + head.k, this->stride(), s.keys,
                     s.size, s.queries, scratch);
      if (to_.factors) learn_factor(head);
    });
  }

  std::string name() const override { return "attention back"; }

 private:
  // dq and dk by the scores alone: the scale is yet to come.
  template <class Head> void learn_factor(const Head& head) const {
    const AttentionSizes& s = this->sizes_;
    const Real scale = Real(this->scale());
    double along = 0;
    for (std::size_t i = 0; i < s.queries * s.size; ++i) {
      Real& slope = to_.q[head.q + i];
      along += double(this->at_.q[head.q + i]) * double(slope);
      slope *= scale;
    }
    to_.factors[head.index] = Real(along * this->at_.scale);
    for (std::size_t i = 0; i < s.keys * s.size; ++i) to_.k[head.k + i] *= scale;
  }

  template <class Head> void back_by_tanhs(const Head& head, const Real* ds, Real* tanhs, Real* scratch) const {
    const AttentionSizes& s = this->sizes_;
    const AttentionValues<Real>& at = this->at_;
    Real* const factors = this->products_scratch(scratch);
    const TanhScores<Real> by = this->by_tanhs();
    attention_loops<Real>().tanh_scores_grad(by, at.q + head.q, at.k + head.k, ds, to_.q + head.q, to_.k + head.k,
                                             tanhs, factors);
    double factor = 0, weight = 0;
    for (std::size_t d = 0; d < s.size; ++d) {
      factor += double(factors[d]);
      weight += double(tanhs[d]) * (by.of_size ? double(by.of_size[d]) : 1);
      if (to_.of_size) to_.of_size[head.index * s.size + d] = tanhs[d] * by.weight;
    }
    if (to_.factors) to_.factors[head.index] = Real(factor);
    if (to_.weights) to_.weights[head.index] = Real(weight);
  }

  const AttentionGradients<Real> to_;
};

}  // namespace gs
