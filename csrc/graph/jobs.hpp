// The weights of layers, and the jobs that make their gradients and update them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "graph/matrix.hpp"
#include "graph/recurrence/row_steps.hpp"
#include "graph/weight_attributes.hpp"
#include "kernels/layers/reduce.hpp"
#include "kernels/products/gemm.hpp"
#include "runtime/buffer.hpp"
#include "runtime/dispatch.hpp"
#include "runtime/job.hpp"
#include "runtime/products/product_job.hpp"
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
  bool is_curved = false;            // its layer leaves what its curvature is found from, and no gradient
  RowSteps* by_rows = nullptr;       // how its rows are stepped, of a table that may be; else null
  Real* direction = nullptr;         // in which it moves in a tangent pass; null: it stands still
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
  const Weight<Real>& weight() const { return weight_; }
  const UpdateKernel& kernel() const { return *epilogue_.kernels[weight_.number]; }
  /// parts: of a chunk, each of which is updated by itself.
  void cut(std::size_t chunks, std::size_t parts = 1) {
    this->chunks = chunks;
    penalties_.resize(chunks * parts);
  }
  /// chunk: of a chunk in parts, the number of the part among those of all chunks.
  void update(std::size_t chunk, std::size_t at, Real* g, const MatrixLayout& layout) const {
    epilogue_.apply(weight_, at, g, layout, penalties_[chunk]);
  }

 private:
  const Weight<Real>& weight_;
  const UpdateEpilogue& epilogue_;
  mutable std::vector<double> penalties_;  // (chunk)
};

/// The gradient of a kernel (rows, columns), the sum of x^T dz over the calls of its layer, in tiles; each updates its
/// part of the kernel while it is in cache.
template <class Real> class WeightGradJob : public GradJob<Real> {
 public:
  /// terms: of equal rows and columns.
  WeightGradJob(std::vector<Product<Real>> terms, const Weight<Real>& weight, const UpdateEpilogue& epilogue)
      : GradJob<Real>(weight, epilogue), terms_(std::move(terms)), grid_(tiles(terms_)), gemm_(products<Real>().gemm) {
    this->cut(grid_.chunks());
    tile_ = align<Real>(grid_.rows.size(0) * grid_.widest());
    std::size_t most = 0;
    for (const Product<Real>& term : terms_) most = std::max(most, gemm_scratch(grid_.rows.size(0), term.depth));
    this->scratch = tile_ * (terms_.size() > 1 ? 2 : 1) + most;
  }

  void run(std::size_t chunk, Real* scratch) const override {
    const auto b = grid_.block(chunk);
    const std::size_t stride = terms_[0].columns, n = b.rows * b.columns;
    Real *const sum = scratch, *const more = scratch + tile_;
    multiply(terms_[0], b, sum, more);
    for (std::size_t t = 1; t < terms_.size(); ++t) {
      multiply(terms_[t], b, more, more + tile_);
      add_to(sum, more, n);
    }
    this->update(chunk, b.row * stride + b.column, sum,
                 b.columns == stride ? MatrixLayout(n) : MatrixLayout(b.rows, b.columns, stride));
  }

  std::string name() const override { return "learn " + sizes(terms_[0]); }

 private:
  void multiply(Product<Real> q, const Grid::Block& b, Real* to, Real* scratch) const {
    q.a_offset += b.row;
    q.b += b.column;
    q.c = to;
    q.ldc = b.columns;
    q.rows = b.rows;
    q.columns = b.columns;
    q.is_cancelled = &ThreadTeam::is_cancelled;
    gemm_(q, scratch);
  }

  // A tile and its part of b stay in the second cache. Rows of full width make long sweeps; more of them pay for what
  // is copied first, of a deep a or of a b whose rows collide.
  static Grid tiles(const std::vector<Product<Real>>& terms) {
    std::size_t depth = 0;
    for (const Product<Real>& term : terms) depth = std::max(depth, term.depth);
    const bool copies = depth > 256 || collides(terms[0]);
    if (!copies) return {terms[0].rows, terms[0].columns, 24, 1024, false, Grid::panel};
    // Few and large: an even number of them, so that of two threads none is left with one in the end.
    const std::size_t count = 2 * std::max<std::size_t>(1, (terms[0].rows + 95) / 96);
    return {terms[0].rows, terms[0].columns, std::max<std::size_t>(6, (terms[0].rows + count - 1) / count), 1024,
            false,         Grid::panel};
  }

  const std::vector<Product<Real>> terms_;
  const Grid grid_;
  std::size_t tile_ = 0;  // elements, up to the alignment: what follows holds pointers too
  const Gemm<Real> gemm_;
};

/// The gradient of a vector: the rows of dz summed, over the calls of its layer.
template <class Real> class BiasGradJob : public GradJob<Real> {
 public:
  /// terms: of equal columns.
  BiasGradJob(std::vector<Matrix<const Real>> terms, const Weight<Real>& weight, const UpdateEpilogue& epilogue)
      : GradJob<Real>(weight, epilogue),
        terms_(std::move(terms)),
        grid_(1, terms_[0].columns, 1, terms_[0].rows < many ? block : Grid::panel) {
    this->cut(grid_.chunks());
    this->scratch = 2 * block;
  }

  void run(std::size_t chunk, Real* scratch) const override {
    const auto b = grid_.block(chunk);
    const auto sum_up = [&](const Matrix<const Real>& dz, Real* to) {
      kernels().reduce.column_sums[dtype_of<Real>()](dz.at + b.column, dz.columns, dz.rows, b.columns, to);
    };
    sum_up(terms_[0], scratch);
    for (std::size_t t = 1; t < terms_.size(); ++t) {
      sum_up(terms_[t], scratch + block);
      add_to(scratch, scratch + block, b.columns);
    }
    this->update(chunk, b.column, scratch, MatrixLayout(b.columns));
  }

  std::string name() const override { return "learn bias " + std::to_string(terms_[0].columns); }

 private:
  // Columns of a chunk; of many rows fewer, so that no thread is left with a long one in the end.
  static constexpr std::size_t block = 512, many = 512;
  const std::vector<Matrix<const Real>> terms_;
  const Grid grid_;
};

}  // namespace gs
