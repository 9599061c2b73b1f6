// A matrix product in blocks.
#pragma once

#include <cstddef>
#include <string>

#include "activations/all.hpp"
#include "kernels/layers/map.hpp"
#include "kernels/products/gemm.hpp"
#include "runtime/dispatch.hpp"
#include "runtime/fetch.hpp"
#include "runtime/job.hpp"
#include "runtime/products/joint_product.hpp"
#include "runtime/threads.hpp"

namespace gs {

template <class Real> std::string sizes(const Product<Real>& q) {
  return std::to_string(q.rows) + "x" + std::to_string(q.depth) + "x" + std::to_string(q.columns);
}

/// c = start + a b, and what is done to each block of c while it is in cache.
template <class Real> class ProductJob : public Job<Real> {
 public:
  explicit ProductJob(const Product<Real>& whole, Gemm<Real> gemm = products<Real>().gemm)
      : whole(whole), grid_(blocks(whole)), gemm_(gemm) {
    this->chunks = grid_.chunks();
    this->scratch = gemm_scratch(grid_.rows.size(0), whole.depth);
  }

  void run(std::size_t chunk, Real* scratch) const override {
    const auto b = grid_.block(chunk);
    Product<Real> q = whole;
    if (q.a_transposed)
      q.a_offset += b.row;
    else
      q.a.at += b.row;
    q.b += b.column * (q.b_transposed || q.in_panels ? q.ldb : 1);  // blocks are whole panels
    q.c += b.row * q.ldc + b.column;
    if (q.start) q.start += b.column;
    q.rows = b.rows;
    q.columns = b.columns;
    q.is_cancelled = &ThreadTeam::is_cancelled;
    const std::size_t at = b.row * q.ldc + b.column;
    const MatrixLayout area(b.rows, b.columns, q.ldc);
    // What comes after the product is read while that goes on: it lies in pieces that no cache foresees.
    if (sum) fetch(sum + at, area);
    if (forward && y != whole.c) fetch(y + at, area);
    if (backward) {
      fetch(y + at, area);
      if (z != y) fetch(z + at, area);
    }
    gemm_(q, scratch);
    follow(b);
  }

  bool run_with(const std::vector<const Job<Real>*>& others, std::vector<Real>& room) const override {
    const auto jobs = same_jobs(*this, others);
    std::vector<const Product<Real>*> products;
    for (const ProductJob* job : jobs) products.push_back(&job->whole);
    const JointProduct<Real> joint(std::move(products));
    if (!joint.is_worth_it()) return false;
    joint.multiply(gemm_, room);
    for (std::size_t k = 0; k < jobs.size(); ++k) {
      joint.take(k, 0, whole.rows, room, jobs[k]->whole.c, whole.ldc);
      for (std::size_t chunk = 0; chunk < this->chunks; ++chunk) jobs[k]->follow(jobs[k]->grid_.block(chunk));
    }
    return true;
  }

  std::string name() const override { return (whole.b_transposed ? "back " : "forward ") + sizes(whole); }

  const Product<Real> whole;
  Real* sum = nullptr;             // sum += c; what follows is done to the sum
  MapForward forward = nullptr;    // y = f(c)
  MapBackward backward = nullptr;  // c *= f'(z)
  decltype(ActivationUse::settings) settings{};
  Real* z = nullptr;  // y, if f' does not read it
  Real* y = nullptr;

 private:
  /// What is done to a block of c.
  void follow(const Grid::Block& b) const {
    const std::size_t at = b.row * whole.ldc + b.column;
    const MatrixLayout area(b.rows, b.columns, whole.ldc);
    if (sum) {
      for (std::size_t i = 0; i < b.rows; ++i)
        add_to(sum + at + i * whole.ldc, whole.c + at + i * whole.ldc, b.columns);
    }
    Real* const result = (sum ? sum : whole.c) + at;
    if (forward) forward(settings.data(), result, y + at, area);
    if (backward) backward(settings.data(), z + at, y + at, result, result, area);
  }

  // Blocks as tall as leave forty of them, so that many threads have something to do at small batches; tall ones anyway
  // where a or b has to be packed, which each block does. Numbered down the columns while all of a stays in a near
  // cache: then a thread reads its own part of b only.
  static Grid blocks(const Product<Real>& q) {
    const bool packs = q.a_transposed || q.b_transposed || (collides(q) && !q.in_panels);
    std::size_t rows = 1024 / sizeof(Real);
    const std::size_t columns = q.columns < 1024 ? 64 : 128;
    while (!packs && rows > 24 && Grid(q.rows, q.columns, rows, columns, false, Grid::panel).chunks() < 40) rows /= 2;
    return {q.rows, q.columns, rows, columns, q.rows * q.depth <= (1u << 17), Grid::panel};
  }

  const Grid grid_;
  const Gemm<Real> gemm_;
};

}  // namespace gs
