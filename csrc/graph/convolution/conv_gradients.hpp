// The gradients of a convolution's weights: sums of parts, or, of a large kernel, tiles over all samples.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "graph/convolution/conv_backward.hpp"

namespace gs {

/// The gradient of a weight, the sum of its parts in order.
template <class Real> class PartsGradJob : public GradJob<Real> {
 public:
  PartsGradJob(std::vector<GradParts<Real>> terms, const Weight<Real>& weight, const UpdateEpilogue& epilogue)
      : GradJob<Real>(weight, epilogue), terms_(std::move(terms)), blocks_(weight.attributes->size(), block) {
    this->cut(blocks_.count);
    this->scratch = block;
  }

  void run(std::size_t chunk, Real* scratch) const override {
    const std::size_t at = blocks_.begin(chunk), n = blocks_.size(chunk);
    std::copy_n(terms_[0].at + at, n, scratch);
    for (std::size_t t = 0; t < terms_.size(); ++t)
      for (std::size_t part = t == 0; part < terms_[t].count; ++part)
        add_to(scratch, terms_[t].at + part * terms_[t].stride + at, n);
    this->update(chunk, at, scratch, MatrixLayout(n));
  }

  std::string name() const override { return "sum " + std::to_string(terms_[0].count); }

 private:
  static constexpr std::size_t block = 2048;
  const std::vector<GradParts<Real>> terms_;
  const Blocks blocks_;
};

/// A convolution whose kernel's gradient is made in tiles over all samples.
template <class Real> struct ConvTerm {
  Convolution conv;
  Rows x;
  Matrix<Real> dz;  // (batch * places, filters)
};

/// The gradient of a large kernel (depth, filters): the sum of x^T dz, in tiles that lie in one group.
template <class Real> class ConvGradJob : public GradJob<Real> {
 public:
  ConvGradJob(std::vector<ConvTerm<Real>> terms, const Weight<Real>& weight, const UpdateEpilogue& epilogue)
      : GradJob<Real>(weight, epilogue) {
    for (ConvTerm<Real>& term : terms) terms_.emplace_back(std::move(term));
    const Term& t = terms_[0];
    groups_ = t.conv().groups;
    // Each reads all samples: the taller the better, as long as there are enough of them.
    const auto tiles = [&](std::size_t rows) { return std::make_unique<Grid>(t.depth(), t.conv().share(), rows, 64); };
    grid_ = tiles(384);
    if (grid_->chunks() * groups_ < 16) grid_ = tiles(192);
    this->cut(grid_->chunks() * groups_);
    tile_ = align<Real>(grid_->rows.size(0) * grid_->columns.size(0));
    for (const Term& term : terms_)
      this->scratch = std::max(this->scratch, tile_ + term.read_scratch() + gemm_scratch(0, gemm_depth));
  }

  void run(std::size_t chunk, Real* scratch) const override {
    const auto b = grid_->block(chunk / groups_);
    const std::size_t group = chunk % groups_, n = terms_[0].conv().filters;
    const std::size_t column = group * terms_[0].conv().share() + b.column;
    bool adds = false;
    for (const Term& term : terms_)
      if (!term.add(b, group, column, adds, scratch, scratch + tile_)) return;
    this->update(chunk, b.row * n + column, scratch,
                 b.columns == n ? MatrixLayout(b.rows * n) : MatrixLayout(b.rows, b.columns, n));
  }

  std::string name() const override {
    return "learn window " + std::to_string(terms_[0].depth()) + "x" + std::to_string(terms_[0].conv().filters);
  }

 private:
  class Term : public ConvJob<Real> {
   public:
    explicit Term(ConvTerm<Real> term) : ConvJob<Real>(term.conv, term.x, 96), dz_(term.dz), batch_(term.x.count) {}
    const Convolution& conv() const { return this->conv_; }
    std::size_t depth() const { return this->patches_.at.size(); }
    using ConvJob<Real>::read_scratch;

    /// Adds a block of the gradient to c; whether it is not cancelled.
    bool add(const Grid::Block& b, std::size_t group, std::size_t column, bool& adds, Real* c, Real* scratch) const {
      const std::size_t n = conv().filters, places = conv().window.places();
      for (std::size_t k = 0; k < batch_; k += this->together_)
        for (std::size_t s = 0; s < this->strips_.count(); ++s, adds = true) {
          const Strips::Strip strip = this->strips_.strip(s);
          const std::size_t count = std::min(this->together_, batch_ - k);
          Product<Real> q{{this->read(strip, k, count, scratch), source_of<Real>},
                          group * this->patches_.run,
                          true,
                          dz_.at + (k * places + strip.begin) * n + column,
                          n,
                          false,
                          nullptr,
                          c,
                          b.columns,
                          b.rows,
                          b.columns,
                          count * strip.places()};
          q.at = this->patches_.at.data() + b.row;
          q.adds = adds;
          this->gemm_(q, scratch + read_scratch());
          if (ThreadTeam::is_cancelled()) return false;
        }
      return true;
    }
    void run(std::size_t, Real*) const override {}
    std::string name() const override { return {}; }

   private:
    const Matrix<Real> dz_;
    const std::size_t batch_;
  };

  std::vector<Term> terms_;
  std::size_t groups_;
  std::unique_ptr<Grid> grid_;
  std::size_t tile_ = 0;
};

}  // namespace gs
