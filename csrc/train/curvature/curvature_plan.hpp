// The products of natural-gradient steps on batches of one size.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <utility>
#include <vector>

#include "graph/curvature_tap.hpp"
#include "graph/stages.hpp"
#include "runtime/buffer.hpp"
#include "runtime/products/product_job.hpp"
#include "runtime/threads.hpp"

namespace gs {

/// Of the taps of an executor: what makes the curvature of their layers, and directions in place of their gradients.
template <class Real> class CurvaturePlan {
 public:
  /// drawn: whether the curvature is made of other gradients than the step is.
  CurvaturePlan(const std::vector<CurvatureTap<Real>>& taps, bool drawn);
  virtual ~CurvaturePlan() = default;

  /// Copies the gradients of the pass as those that the curvature is made of.
  void keep_drawn() const;
  /// Copies inputs, each with its 1.
  void copy_inputs(ThreadTeam& team) { run(inputs_, team); }
  /// The curvature: keep times what it is, and 1 - keep times that of the batch, whose gradients count `scale` times.
  virtual void learn(ThreadTeam& team, double keep, double scale) = 0;
  /// Makes directions ready; the sum over all weights of gradient times direction, if `measures`.
  virtual double prepare(ThreadTeam& team, bool measures) = 0;
  /// Directions times `factor` -> where the gradients of the weights are stored.
  virtual void finish(ThreadTeam& team, double factor) = 0;

 protected:
  /// A tap's numbers side by side, which lie where they do as long as this: x (rows, inputs), ending with 1 if there is
  /// a bias, with row stride ldx; dz (rows, outputs) of the step, and of the curvature.
  struct Layer {
    CurvatureTap<Real> tap;
    std::size_t rows, inputs, outputs, ldx;
    Real* x;
    const Real *dz, *curved;
    const void *const *x_rows, *const *dz_rows, *const *curved_rows;
  };

  void run(const Stages<Real>& stages, ThreadTeam& team);
  /// n numbers that live as long as this.
  Real* room(std::size_t n);
  const void* const* rows_of(const Real* at, std::size_t rows, std::size_t ld);
  /// c (m, n) = a b, or a^T b; ldb, ldc: row strides.
  struct Factor {
    const void* const* rows;
    bool transposed = false;
    std::size_t offset = 0;
  };
  static Product<Real> product_of(const Factor& a, const Real* b, std::size_t ldb, Real* c, std::size_t ldc,
                                  std::size_t m, std::size_t n, std::size_t depth) {
    return {{a.rows, source_of<Real>}, a.offset, a.transposed, b, ldb, false, nullptr, c, ldc, m, n, depth};
  }
  static std::unique_ptr<Job<Real>> product(const Factor& a, const Real* b, std::size_t ldb, Real* c, std::size_t ldc,
                                            std::size_t m, std::size_t n, std::size_t depth) {
    return std::make_unique<ProductJob<Real>>(product_of(a, b, ldb, c, ldc, m, n, depth));
  }
  /// work(first row, how many)
  template <class Work> static std::unique_ptr<Job<Real>> each_row(std::size_t rows, std::size_t n, Work work) {
    return std::make_unique<RowsJob<Real>>(rows, std::max<std::size_t>(1, 8192 / n), RowsWork::of(std::move(work)));
  }
  static double total(const std::deque<std::vector<double>>& parts) {
    double sum = 0;
    for (const auto& layer : parts)
      for (const double part : layer) sum += part;
    return sum;
  }

  std::deque<Layer> layers_;  // (tap)
  Stages<Real> inputs_;       // what copies x

 private:
  std::deque<Buffer<Real>> rooms_;
  std::deque<std::vector<const void*>> pointers_;
  std::vector<Buffer<Real>> scratch_;
  std::size_t scratch_size_ = 0;
};

}  // namespace gs
