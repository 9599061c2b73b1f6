// Matrix products of the samples of a batch, one for each.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>

#include "core/blocks.hpp"
#include "kernels/products/gemm.hpp"
#include "runtime/dispatch.hpp"
#include "runtime/job.hpp"
#include "runtime/products/product_job.hpp"
#include "runtime/threads.hpp"

namespace gs {

/// c = a b of each sample, whose matrices lie one after another: `first` is the product of the first one.
template <class Real> class SampleProductsJob : public Job<Real> {
 public:
  SampleProductsJob(const Product<Real>& first, std::size_t samples)
      : first_(first), blocks_(samples, std::max<std::size_t>(1, (1 << 17) / work(first))) {
    this->chunks = blocks_.count;
    this->scratch = gemm_scratch(first.rows, first.depth);
  }

  void run(std::size_t chunk, Real* scratch) const override {
    Product<Real> q = first_;
    q.is_cancelled = &ThreadTeam::is_cancelled;
    const std::size_t begin = blocks_.begin(chunk);
    for (std::size_t sample = begin; sample < begin + blocks_.size(chunk); ++sample) {
      q.a.at = first_.a.at + sample * (q.a_transposed ? q.depth : q.rows);
      q.b = first_.b + sample * q.depth * q.columns;
      q.c = first_.c + sample * q.rows * q.columns;
      gemm_(q, scratch);
    }
  }

  std::string name() const override { return "products of samples " + sizes(first_); }

 private:
  static std::size_t work(const Product<Real>& q) { return std::max<std::size_t>(1, q.rows * q.columns * q.depth); }

  const Product<Real> first_;
  const Blocks blocks_;
  const Gemm<Real> gemm_ = products<Real>().gemm;
};

}  // namespace gs
