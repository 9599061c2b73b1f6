// Rows of a table by their numbers: which are read, and the gradient of the table.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "graph/jobs.hpp"
#include "graph/lookup_ids.hpp"
#include "graph/matrix.hpp"

namespace gs {

/// Which gradients belong to which row of a table, in the order of the ids.
class LookupOrder {
 public:
  /// ids of a table of `rows`
  template <class Real> void sort(const LookupIds<Real>& from, std::size_t rows) {
    const Real* const ids = from.ids.at;
    first_.assign(rows + 2, 0);
    at_.resize(from.size());
    for (std::size_t i = 0; i < from.size(); ++i) ++first_[row_of(ids[i], rows) + 1];
    for (std::size_t row = 0; row <= rows; ++row) first_[row + 1] += first_[row];
    next_.assign(first_.begin(), first_.end() - 1);
    from.each([&](std::size_t i, std::uint32_t at) { at_[next_[row_of(ids[i], rows)]++] = at; });
  }
  /// Rows of the gradients that belong to this row of the table; and how many.
  const std::uint32_t* at(std::size_t row) const { return at_.data() + first_[row]; }
  std::size_t count(std::size_t row) const { return first_[row + 1] - first_[row]; }

 private:
  std::vector<std::uint32_t> at_, first_, next_;  // first_ (row + 1): where in at_ those of a row begin
};

/// Gradients dy (n, columns) by rows that were read, and which of them belong to which row.
template <class Real> struct LookupTerm {
  std::shared_ptr<const LookupOrder> order;
  Matrix<Real> dy;
};

/// The gradient of a table (rows, columns): for each row the sum of those by where it was read, block by block; each
/// updates its part of the table while it is in cache.
template <class Real> class LookupGradJob : public GradJob<Real> {
 public:
  LookupGradJob(std::vector<LookupTerm<Real>> terms, const Weight<Real>& weight, const UpdateEpilogue& epilogue)
      : GradJob<Real>(weight, epilogue),
        terms_(std::move(terms)),
        columns_(weight.attributes->columns),
        rows_(weight.attributes->size() / columns_, std::max<std::size_t>(1, 8192 / columns_)) {
    this->cut(rows_.count);
    this->scratch = rows_.size(0) * columns_;
  }

  void run(std::size_t chunk, Real* sum) const override {
    const std::size_t first = rows_.begin(chunk), n = rows_.size(chunk) * columns_;
    const RowSteps* const steps = this->weight().by_rows;
    if (steps && steps->gradient && !this->weight().gradient)
      return steps->step(first, first + rows_.size(chunk), this->kernel());
    for (std::size_t i = 0; i < rows_.size(chunk); ++i) {
      const Real* start = nullptr;
      for (const LookupTerm<Real>& term : terms_) {
        products<Real>().sum_rows({start, term.dy.at, columns_, term.order->at(first + i), nullptr,
                                   term.order->count(first + i), columns_, sum + i * columns_});
        start = sum + i * columns_;
      }
    }
    this->update(chunk, first * columns_, sum, MatrixLayout(n));
  }

  std::string name() const override { return "learn table " + std::to_string(columns_); }

 private:
  const std::vector<LookupTerm<Real>> terms_;
  const std::size_t columns_;
  const Blocks rows_;
};

}  // namespace gs
