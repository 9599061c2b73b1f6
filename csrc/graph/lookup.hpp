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
#include "graph/matrix.hpp"

namespace gs {

/// The row of a table for an id, rounded towards 0; `rows` if the table has no such row.
template <class Real> std::size_t row_of(Real id, std::size_t rows) {
  return id > Real(-1) && id < Real(rows) ? std::size_t(id) : rows;
}

/// Which of a list of ids are which row of a table, in their order.
class LookupOrder {
 public:
  /// ids (n), of a table of `rows`
  template <class Real> void sort(const Real* ids, std::size_t n, std::size_t rows) {
    first_.assign(rows + 2, 0);
    order_.resize(n);
    for (std::size_t i = 0; i < n; ++i) ++first_[row_of(ids[i], rows) + 1];
    for (std::size_t row = 0; row <= rows; ++row) first_[row + 1] += first_[row];
    next_.assign(first_.begin(), first_.end() - 1);
    for (std::size_t i = 0; i < n; ++i) order_[next_[row_of(ids[i], rows)]++] = std::uint32_t(i);
  }
  /// visit(place in ids) of each that is this row.
  template <class Visit> void each(std::size_t row, Visit visit) const {
    for (std::size_t k = first_[row]; k < first_[row + 1]; ++k) visit(std::size_t(order_[k]));
  }

 private:
  std::vector<std::uint32_t> order_, first_, next_;  // first_ (row + 1): where in order_ the places of a row begin
};

/// Gradients dy (ids, columns) by rows that were read, in the order in which their ids say.
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
    std::fill_n(sum, n, Real(0));
    for (const LookupTerm<Real>& term : terms_)
      for (std::size_t i = 0; i < rows_.size(chunk); ++i)
        term.order->each(first + i, [&](std::size_t at) {
          const Real* const dy = term.dy.at + at * columns_;
          for (std::size_t j = 0; j < columns_; ++j) sum[i * columns_ + j] += dy[j];
        });
    this->update(chunk, first * columns_, sum, MatrixLayout(n));
  }

  std::string name() const override { return "learn table " + std::to_string(columns_); }

 private:
  const std::vector<LookupTerm<Real>> terms_;
  const std::size_t columns_;
  const Blocks rows_;
};

}  // namespace gs
