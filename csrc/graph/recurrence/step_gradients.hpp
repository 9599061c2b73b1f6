// The gradients of a recurrent layer's kernels, which sum over all steps of a batch.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "graph/jobs.hpp"
#include "graph/matrix.hpp"
#include "runtime/fetch.hpp"

namespace gs {

/// Part of the gradient of a weight by one call: rows of a, by pointers, and those of b.
template <class Real> struct StepTerm {
  Rows a;  // (steps * batch) of which `a_offset` numbers come first
  std::size_t a_offset;
  const Real* b;
  std::size_t ldb, column, columns;  // column: of the weight
};

/// The gradient of a kernel of a recurrent layer (rows, columns): sums over all steps of all rows, in tiles. A part has
/// a term for each call of the layer.
template <class Real> class StepGradJob : public GradJob<Real> {
 public:
  StepGradJob(std::vector<std::vector<StepTerm<Real>>> parts, const Weight<Real>& weight,
              const UpdateEpilogue& epilogue)
      : GradJob<Real>(weight, epilogue),
        parts_(std::move(parts)),
        rows_(weight.attributes->rows),
        columns_(weight.attributes->columns),
        gemm_(products<Real>().gemm) {
    std::size_t chunks = 0;
    for (const auto& part : parts_) {
      grids_.emplace_back(rows_, part[0].columns, tall, wide, false, Grid::panel);
      chunks += grids_.back().chunks();
    }
    this->cut(chunks);
    this->scratch = tile + gemm_scratch(part, deep);
  }

  void run(std::size_t chunk, Real* scratch) const override {
    std::size_t k = 0;
    while (chunk_of(k, chunk) >= grids_[k].chunks()) ++k;
    const auto block = grids_[k].block(chunk_of(k, chunk));
    bool adds = false;
    for (const StepTerm<Real>& term : parts_[k])
      for (std::size_t first = 0; first < term.a.count; first += deep) {
        const std::size_t depth = std::min(deep, term.a.count - first), next = first + depth;
        const std::size_t ahead = std::min(deep, term.a.count - next);
        // Row by row a and b are too far apart for the machine to foresee: between parts of this block a share of the
        // next one is asked for.
        const Blocks heights(block.rows, part);
        for (std::size_t h = 0; h < heights.count; ++h) {
          for (std::size_t p = next + ahead * h / heights.count; p < next + ahead * (h + 1) / heights.count; ++p) {
            fetch(static_cast<const Real*>(term.a.pointers.at[p]) + term.a_offset + block.row,
                  MatrixLayout(block.rows));
            fetch(term.b + p * term.ldb + block.column, MatrixLayout(block.columns));
          }
          const std::size_t row = heights.begin(h);
          Product<Real> q{term.a.pointers,
                          term.a_offset + block.row + row,
                          true,
                          term.b + first * term.ldb + block.column,
                          term.ldb,
                          false,
                          nullptr,
                          scratch + row * block.columns,
                          block.columns,
                          heights.size(h),
                          block.columns,
                          depth};
          q.a.at += first;
          q.adds = adds;
          gemm_(q, scratch + tile);
        }
        adds = true;
        if (ThreadTeam::is_cancelled()) return;
      }
    const std::size_t column = parts_[k][0].column + block.column;
    this->update(chunk, block.row * columns_ + column, scratch,
                 block.columns == columns_ ? MatrixLayout(block.rows * block.columns)
                                           : MatrixLayout(block.rows, block.columns, columns_));
  }

  std::string name() const override { return "learn steps " + std::to_string(rows_) + "x" + std::to_string(columns_); }

 private:
  // Rows of so few steps are read where they lie; a panel of b beside them stays in the first cache.
  static constexpr std::size_t deep = 64, tall = 128, wide = Grid::panel, part = 18, tile = tall * wide;

  /// A chunk's number in the grid of part k.
  std::size_t chunk_of(std::size_t k, std::size_t chunk) const {
    for (std::size_t i = 0; i < k; ++i) chunk -= grids_[i].chunks();
    return chunk;
  }

  const std::vector<std::vector<StepTerm<Real>>> parts_;
  const std::size_t rows_, columns_;
  std::vector<Grid> grids_;
  const Gemm<Real> gemm_;
};

}  // namespace gs
