// The weights of layers, and the jobs that make their gradients and update them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "graph/weight_attributes.hpp"
#include "kernels/gemm.hpp"
#include "kernels/reduce.hpp"
#include "runtime/buffer.hpp"
#include "runtime/dispatch.hpp"
#include "runtime/job.hpp"
#include "runtime/product_job.hpp"
#include "runtime/threads.hpp"
#include "update/update_kernel.hpp"

namespace gs {

/// A weight of a layer: what it is, and what becomes of its gradient.
template <class Real> struct Weight {
  Real* w = nullptr;
  Real* gradient = nullptr;  // where the gradient is stored; if null, it updates w at once and is never stored
  void* state[max_slots] = {};
  std::size_t number = 0;  // among all trainable weights of the network
  std::shared_ptr<const WeightAttributes> attributes = nullptr;
  Real* penalty_gradient = nullptr;  // the gradient of an orthogonal penalty, made before; null without one

  bool trainable() const { return attributes->trainable; }
};

/// What is done with each block of a weight's gradient while it is in cache: the penalty, then the update or the store.
struct UpdateEpilogue {
  std::vector<const UpdateKernel*> kernels;  // (weight)

  /// g (rows, columns), used up: the gradient of the part of the weight that begins at its element `at`. penalty: where
  /// the penalty of that part is left.
  template <class Real>
  void apply(const Weight<Real>& weight, std::size_t at, Real* g, const MatrixLayout& layout, double& penalty) const {
    if (const Penalty& p = weight.attributes->penalty) {
      const Real* const penalty_gradient = weight.penalty_gradient ? weight.penalty_gradient + at : nullptr;
      const PenaltySums sums =
          regularize_loops<Real>().penalize(weight.w + at, g, penalty_gradient, p.l1, p.l2, layout);
      penalty = (p.l1 + p.proximal) * sums.sizes + p.l2 * sums.squares;
    }
    if (weight.gradient) {
      for (std::size_t i = 0; i < layout.rows; ++i, g += layout.columns)
        std::copy(g, g + layout.columns, weight.gradient + at + i * layout.stride);
      return;
    }
    const UpdateKernel& kernel = *kernels[weight.number];
    constexpr Dtype real = Dtype(dtype_of<Real>());
    ParamSlice slice{reinterpret_cast<std::byte*>(weight.w + at),
                     real,
                     reinterpret_cast<const std::byte*>(g),
                     real,
                     weight.state,
                     nullptr,
                     at,
                     layout.columns,
                     0};
    if (kernel.plain)
      return kernel.sweep(&kernel.update, kernel.factors, weight.w + at, g, kernel.state_at(slice, at).data(), layout);
    for (std::size_t i = 0; i < layout.rows; ++i) {
      kernel.apply(slice);
      slice.w += layout.stride * sizeof(Real);
      slice.g += layout.columns * sizeof(Real);
      slice.at += layout.stride;
    }
  }
};

/// A job that makes the gradient of a weight, a part of it in each chunk.
template <class Real> class GradJob : public Job<Real> {
 public:
  GradJob(const Weight<Real>& weight, const UpdateEpilogue& epilogue) : weight_(weight), epilogue_(epilogue) {}

  /// The penalty of the weight before the update.
  double penalty() const {
    double sum = 0;
    for (const double part : penalties_) sum += part;
    return sum;
  }

 protected:
  void cut(std::size_t chunks) {
    this->chunks = chunks;
    penalties_.resize(chunks);
  }
  void update(std::size_t chunk, std::size_t at, Real* g, const MatrixLayout& layout) const {
    epilogue_.apply(weight_, at, g, layout, penalties_[chunk]);
  }

 private:
  const Weight<Real>& weight_;
  const UpdateEpilogue& epilogue_;
  mutable std::vector<double> penalties_;  // (chunk)
};

/// The gradient x^T dz of a kernel (rows, columns) in tiles; each updates its part of the kernel while it is in cache.
template <class Real> class WeightGradJob : public GradJob<Real> {
 public:
  WeightGradJob(const Product<Real>& whole, const Weight<Real>& weight, const UpdateEpilogue& epilogue)
      : GradJob<Real>(weight, epilogue), whole_(whole), grid_(tiles(whole)), gemm_(products<Real>().gemm) {
    this->cut(grid_.chunks());
    tile_ = align<Real>(grid_.rows.size(0) * grid_.columns.size(0));
    this->scratch = tile_ + gemm_scratch(grid_.rows.size(0), whole.depth);
  }

  void run(std::size_t chunk, Real* scratch) const override {
    const auto b = grid_.block(chunk);
    Product<Real> q = whole_;
    q.a_offset += b.row;
    q.b += b.column;
    q.c = scratch;
    q.ldc = b.columns;
    q.rows = b.rows;
    q.columns = b.columns;
    q.is_cancelled = &ThreadTeam::is_cancelled;
    gemm_(q, scratch + tile_);
    const std::size_t stride = whole_.columns, at = b.row * stride + b.column;
    this->update(chunk, at, q.c,
                 b.columns == stride ? MatrixLayout(b.rows * stride) : MatrixLayout(b.rows, b.columns, stride));
  }

  std::string name() const override { return "learn " + sizes(whole_); }

 private:
  // A tile and its part of b stay in the second cache. Rows of full width make long sweeps; more of them pay for what
  // is copied first, of a deep a or of a b whose rows collide.
  static Grid tiles(const Product<Real>& q) {
    const bool copies = q.depth > 256 || collides(q);
    return {q.rows, q.columns, copies ? 48u : 24u, 1024};
  }

  const Product<Real> whole_;
  const Grid grid_;
  std::size_t tile_ = 0;  // elements, up to the alignment: what follows holds pointers too
  const Gemm<Real> gemm_;
};

/// The gradient of a bias: dz (rows, columns) summed over its rows.
template <class Real> class BiasGradJob : public GradJob<Real> {
 public:
  BiasGradJob(const Real* dz, std::size_t rows, std::size_t columns, const Weight<Real>& weight,
              const UpdateEpilogue& epilogue)
      : GradJob<Real>(weight, epilogue), dz_(dz), rows_(rows), grid_(1, columns, 1, 512) {
    this->cut(grid_.chunks());
    this->scratch = 512;
  }

  void run(std::size_t chunk, Real* scratch) const override {
    const auto b = grid_.block(chunk);
    kernels().reduce.column_sums[dtype_of<Real>()](dz_ + b.column, grid_.columns.n, rows_, b.columns, scratch);
    this->update(chunk, b.column, scratch, MatrixLayout(b.columns));
  }

  std::string name() const override { return "learn bias " + std::to_string(grid_.columns.n); }

 private:
  const Real* dz_;
  const std::size_t rows_;
  const Grid grid_;
};

}  // namespace gs
