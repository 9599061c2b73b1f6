// The weights of layers, and the jobs that make their gradients and move them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "graph/treatment.hpp"
#include "kernels/gemm.hpp"
#include "kernels/reduce.hpp"
#include "runtime/buffer.hpp"
#include "runtime/dispatch.hpp"
#include "runtime/job.hpp"
#include "runtime/product_job.hpp"
#include "runtime/threads.hpp"
#include "update/manner.hpp"

namespace gs {

/// A weight of a layer: what it is, and what becomes of its gradient.
template <class Real> struct Weight {
  Real* w = nullptr;
  Real* gradient = nullptr;  // the gradient is written here; if null, it moves w at once and is never stored
  void* state[max_slots] = {};
  std::size_t number = 0;  // among all trainable weights of the network
  std::shared_ptr<const Treatment> treatment = nullptr;
  Real* slope = nullptr;  // the gradient of an orthogonal penalty, made before; null without one

  bool trainable() const { return treatment->trainable; }
};

/// How the training step at hand moves weights.
struct Mover {
  std::vector<const Manner*> manners;  // (weight)

  /// g (rows, columns), used up: the gradient of an area that begins at element `at` of the weight. penalty: where that
  /// of the area is left.
  template <class Real>
  void move(const Weight<Real>& weight, std::size_t at, Real* g, const Area& area, double& penalty) const {
    if (const Penalty& p = weight.treatment->penalty) {
      const Real* const slope = weight.slope ? weight.slope + at : nullptr;
      const PenaltySums sums = treating<Real>().penalize(weight.w + at, g, slope, p.l1, p.l2, area);
      penalty = (p.l1 + p.proximal) * sums.sizes + p.l2 * sums.squares;
    }
    if (weight.gradient) {
      for (std::size_t i = 0; i < area.rows; ++i, g += area.columns)
        std::copy(g, g + area.columns, weight.gradient + at + i * area.stride);
      return;
    }
    const Manner& how = *manners[weight.number];
    constexpr Dtype real = Dtype(dtype_of<Real>());
    Place place{reinterpret_cast<std::byte*>(weight.w + at),
                real,
                reinterpret_cast<const std::byte*>(g),
                real,
                weight.state,
                nullptr,
                at,
                area.columns,
                0};
    if (how.plain) return how.sweep(&how.update, how.factors, weight.w + at, g, how.point(place, at).data(), area);
    for (std::size_t i = 0; i < area.rows; ++i) {
      how.move(place);
      place.w += area.stride * sizeof(Real);
      place.g += area.columns * sizeof(Real);
      place.at += area.stride;
    }
  }
};

/// A job that moves a weight, an area a chunk.
template <class Real> class LearnJob : public Job<Real> {
 public:
  LearnJob(const Weight<Real>& weight, const Mover& mover) : weight_(weight), mover_(mover) {}

  /// The penalty of the weight's numbers before they were moved.
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
  void move(std::size_t chunk, std::size_t at, Real* g, const Area& area) const {
    mover_.move(weight_, at, g, area, penalties_[chunk]);
  }

 private:
  const Weight<Real>& weight_;
  const Mover& mover_;
  mutable std::vector<double> penalties_;  // (chunk)
};

/// The gradient x^T dz of a kernel (rows, columns) in tiles; each moves its part of the kernel while it is in cache.
template <class Real> class LearnProductJob : public LearnJob<Real> {
 public:
  LearnProductJob(const Product<Real>& whole, const Weight<Real>& weight, const Mover& mover)
      : LearnJob<Real>(weight, mover), whole_(whole), grid_(tiles(whole)), gemm_(products<Real>().gemm) {
    this->cut(grid_.chunks());
    tile_ = on_border<Real>(grid_.rows.size(0) * grid_.columns.size(0));
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
    q.is_cancelled = &Crew::is_cancelled;
    gemm_(q, scratch + tile_);
    const std::size_t stride = whole_.columns, at = b.row * stride + b.column;
    this->move(chunk, at, q.c, b.columns == stride ? Area(b.rows * stride) : Area(b.rows, b.columns, stride));
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
  std::size_t tile_ = 0;  // elements, up to a border: what follows holds pointers too
  const Gemm<Real> gemm_;
};

/// The gradient of a bias: dz (rows, columns) summed over its rows.
template <class Real> class LearnSumJob : public LearnJob<Real> {
 public:
  LearnSumJob(const Real* dz, std::size_t rows, std::size_t columns, const Weight<Real>& weight, const Mover& mover)
      : LearnJob<Real>(weight, mover), dz_(dz), rows_(rows), grid_(1, columns, 1, 512) {
    this->cut(grid_.chunks());
    this->scratch = 512;
  }

  void run(std::size_t chunk, Real* scratch) const override {
    const auto b = grid_.block(chunk);
    kernels().reduce.column_sums[dtype_of<Real>()](dz_ + b.column, grid_.columns.n, rows_, b.columns, scratch);
    this->move(chunk, b.column, scratch, Area(b.columns));
  }

  std::string name() const override { return "learn bias " + std::to_string(grid_.columns.n); }

 private:
  const Real* dz_;
  const std::size_t rows_;
  const Grid grid_;
};

}  // namespace gs
