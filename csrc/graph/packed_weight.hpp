// A weight packed once for all rows that are multiplied by it transposed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>

#include "kernels/products/gemm.hpp"
#include "runtime/dispatch.hpp"
#include "runtime/job.hpp"

namespace gs {

/// The b of a product (depth, columns), transposed where it lies -> panels side by side.
template <class Real> class PackWeightJob : public Job<Real> {
 public:
  PackWeightJob(const Product<Real>& q, Real* panels) : q_(q), panels_(panels) { this->chunks = count(q); }

  /// Whether it pays: else each block of rows packs what it reads, which takes no memory.
  static bool pays(const Product<Real>& q) {
    return q.b_transposed && q.rows >= 512 && q.columns * q.depth >= 1024 && q.columns * q.depth <= (1 << 18);
  }
  /// Numbers of the panels.
  static std::size_t size(const Product<Real>& q) { return count(q) * wide() * q.depth; }
  /// The product that reads them.
  static Product<Real> packed(Product<Real> q, const Real* panels) {
    q.b = panels;
    q.ldb = q.depth;
    q.b_transposed = false;
    q.in_panels = true;
    return q;
  }

  void run(std::size_t chunk, Real*) const override {
    products<Real>().pack_panel(q_, chunk * wide(), panels_ + chunk * wide() * q_.depth);
  }

  std::string name() const override { return "pack"; }

 private:
  static std::size_t wide() { return products<Real>().panel_columns; }
  static std::size_t count(const Product<Real>& q) { return (q.columns + wide() - 1) / wide(); }

  const Product<Real> q_;
  Real* const panels_;
};

}  // namespace gs
