// Products of one matrix with several narrow ones, as one product with all their columns side by side. Each column is
// summed by itself and in the same order, so the bits are those of the products one after another.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "kernels/products/gemm.hpp"
#include "runtime/job.hpp"

namespace gs {

/// `job` and those of its class among others, in order; only `job` where one is of another.
template <class JobOf, class Real>
std::vector<const JobOf*> same_jobs(const JobOf& job, const std::vector<const Job<Real>*>& others) {
  std::vector<const JobOf*> all{&job};
  for (const Job<Real>* other : others) {
    all.push_back(dynamic_cast<const JobOf*>(other));
    if (!all.back()) return {&job};
  }
  return all;
}

template <class Real> class JointProduct {
 public:
  explicit JointProduct(std::vector<const Product<Real>*> products) : products_(std::move(products)) {}

  /// Whether there are several, all of the same rows, and so narrow that each alone leaves most of a vector idle.
  bool is_worth_it() const {
    const Product<Real>& first = *products_[0];
    if (products_.size() < 2 || first.columns > most_columns) return false;
    return std::all_of(products_.begin(), products_.end(), [&](const Product<Real>* q) {
      const bool is_whole = !q->b_transposed && !q->at && !q->adds && !q->line && !q->in_panels;
      const bool same = q->rows == first.rows && q->columns == first.columns && q->depth == first.depth &&
                        q->a_transposed == first.a_transposed && q->a_offset == first.a_offset &&
                        !q->start == !first.start && q->a.source == first.a.source && q->a.scale == first.a.scale &&
                        q->a.offset == first.a.offset;
      return is_whole && same && std::equal(q->a.at, q->a.at + rows_of_a(), first.a.at);
    });
  }

  /// All products, into room.
  void multiply(Gemm<Real> gemm, std::vector<Real>& room) const {
    const Product<Real>& first = *products_[0];
    const std::size_t rows = std::min(first.rows, most_rows), n = width();
    room.resize(size_of_c() + align(first.depth * n) + align(n) + gemm_scratch(rows, first.depth));
    Real *const c = room.data(), *const b = c + size_of_c(), *const start = b + align(first.depth * n);
    Real* const scratch = start + align(n);
    for (std::size_t k = 0; k < products_.size(); ++k) {
      const Product<Real>& q = *products_[k];
      for (std::size_t p = 0; p < q.depth; ++p) std::copy_n(q.b + p * q.ldb, q.columns, b + p * n + k * q.columns);
      if (q.start) std::copy_n(q.start, q.columns, start + k * q.columns);
    }
    Product<Real> all = first;
    all.b = b;
    all.ldb = all.ldc = all.columns = n;
    all.start = first.start ? start : nullptr;
    for (std::size_t row = 0; row < first.rows; row += rows) {
      all.rows = std::min(rows, first.rows - row);
      all.c = c + row * n;
      gemm(all, scratch);
      if (first.a_transposed)
        all.a_offset += all.rows;
      else
        all.a.at += all.rows;
    }
  }

  /// Rows of the k-th product from room -> to (count, columns) of row stride ld
  void take(std::size_t k, std::size_t first, std::size_t count, const std::vector<Real>& room, Real* to,
            std::size_t ld) const {
    const std::size_t columns = products_[0]->columns;
    const Real* from = room.data() + first * width() + k * columns;
    for (std::size_t i = 0; i < count; ++i) std::copy_n(from + i * width(), columns, to + i * ld);
  }

  /// Of a product; wider ones fill vectors by themselves.
  static constexpr std::size_t most_columns = 64 / sizeof(Real);

 private:
  static constexpr std::size_t most_rows = 256;
  std::size_t rows_of_a() const { return products_[0]->a_transposed ? products_[0]->depth : products_[0]->rows; }
  std::size_t width() const { return products_.size() * products_[0]->columns; }
  std::size_t size_of_c() const { return align(products_[0]->rows * width()); }
  static std::size_t align(std::size_t n) { return (n + 15) / 16 * 16; }

  const std::vector<const Product<Real>*> products_;
};

}  // namespace gs
