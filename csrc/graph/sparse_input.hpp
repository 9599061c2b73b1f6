// A sparse input of a network: of each batch the entries of its rows, the numbers that are not 0 and their columns; its
// product with a kernel, and what the kernel learns from it. Both have the bits of the dense ones.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "graph/jobs.hpp"
#include "graph/matrix.hpp"

namespace gs {

/// The entries of all rows of a data set, row by row.
struct Entries {
  const std::int32_t* columns = nullptr;
  const void* values = nullptr;  // of the network's type
  std::int64_t count = 0;
};

template <class Real> class SparseBatch;

/// The gradient of a kernel (width, n) by a batch: for each column that has entries, the sum of entry times row of dz.
template <class Real> struct SparseTerm {
  const SparseBatch<Real>& x;
  const Weight<Real>& w;
  const Real* dz = nullptr;  // (rows, n)
  std::optional<RowGradient> gradient{};

  void find();
};

/// The entries of the rows of a batch: copies, which nobody else can change once their columns are checked.
template <class Real> class SparseBatch {
 public:
  SparseBatch(std::size_t rows, std::size_t width) : width(width), first(rows + 1), starts_(rows), ranges_(rows) {}

  /// Where the data set has them, and row i of the batch: numbers of its first entry and of that after its last.
  void take(const Entries& from) { from_ = from; }
  void set_row(std::size_t i, const void* starts) { starts_[i] = static_cast<const std::int64_t*>(starts); }

  /// Reads the batch. Rows and columns were checked with the data set; what is none any more is left out.
  void read() {
    std::size_t most = 0;
    for (std::size_t i = 0; i < starts_.size(); ++i) {
      const std::int64_t begin = starts_[i][0], end = starts_[i][1];
      ranges_[i] = begin >= 0 && begin <= end && end <= from_.count ? Range{begin, end} : Range{0, 0};
      most += std::size_t(ranges_[i].end - ranges_[i].begin);
    }
    columns.resize(most);
    rows.resize(most);
    values.resize(most);
    std::size_t n = 0;
    for (std::size_t i = 0; i < starts_.size(); ++i) {
      first[i] = n;
      for (std::int64_t k = ranges_[i].begin; k < ranges_[i].end; ++k) {
        columns[n] = std::uint32_t(from_.columns[k]);
        rows[n] = std::uint32_t(i);
        values[n] = static_cast<const Real*>(from_.values)[k];
        n += columns[n] < width;
      }
    }
    first.back() = n;
    for (const auto& term : terms) term->find();
  }

  std::size_t count() const { return first.back(); }

  /// Row i of the batch -> to (width)
  void write(std::size_t i, Real* to) const {
    std::fill_n(to, width, Real(0));
    for (std::size_t k = first[i]; k < first[i + 1]; ++k) to[columns[k]] += values[k];
  }

  const std::size_t width;
  std::vector<std::size_t> first;            // (row + 1): where its entries begin
  std::vector<std::uint32_t> columns, rows;  // (entry)
  std::vector<Real> values;                  // (entry)
  std::vector<std::unique_ptr<SparseTerm<Real>>> terms;
  Matrix<Real> dense{};  // the same numbers, for who reads them so

 private:
  struct Range {
    std::int64_t begin, end;
  };
  Entries from_;
  std::vector<const std::int64_t*> starts_;
  std::vector<Range> ranges_;
};

template <class Real> void SparseTerm<Real>::find() {
  const std::size_t n = x.count();
  const std::vector<std::int64_t> ids(x.columns.begin(), x.columns.begin() + std::ptrdiff_t(n));
  gradient.emplace(ids.data(), x.rows.data(), reinterpret_cast<const std::byte*>(x.values.data()), n,
                   reinterpret_cast<const std::byte*>(dz), Dtype(dtype_of<Real>()), w.attributes->columns);
  if (w.by_rows) w.by_rows->take(*gradient, x.width);
}

/// z (rows, n) = start + x w, some rows in each chunk.
template <class Real> class SparseProductJob : public Job<Real> {
 public:
  SparseProductJob(const SparseBatch<Real>& x, const Real* w, const Real* start, Matrix<Real> z)
      : x_(x), w_(w), start_(start), z_(z), rows_(z.rows, 4) {
    this->chunks = rows_.count;
  }

  void run(std::size_t chunk, Real*) const override {
    const std::size_t end = rows_.begin(chunk) + rows_.size(chunk);
    for (std::size_t i = rows_.begin(chunk); i < end; ++i) {
      const std::size_t first = x_.first[i];
      products<Real>().sum_rows({start_, w_, z_.columns, x_.columns.data() + first, x_.values.data() + first,
                                 x_.first[i + 1] - first, z_.columns, z_.at + i * z_.columns});
    }
  }

  std::string name() const override {
    return "forward sparse " + std::to_string(z_.rows) + "x" + std::to_string(x_.width) + "x" +
           std::to_string(z_.columns);
  }

 private:
  const SparseBatch<Real>& x_;
  const Real *const w_, *const start_;
  const Matrix<Real> z_;
  const Blocks rows_;
};

/// The gradient of a kernel by a sparse batch, rows of it in each chunk, which update their part of the kernel.
template <class Real> class SparseGradJob : public GradJob<Real> {
 public:
  SparseGradJob(const SparseTerm<Real>& term, const Weight<Real>& weight, const UpdateEpilogue& epilogue)
      : GradJob<Real>(weight, epilogue),
        term_(term),
        columns_(weight.attributes->columns),
        rows_(weight.attributes->rows,
              std::max(std::max<std::size_t>(1, 8192 / columns_), weight.attributes->rows / 256)) {
    this->cut(rows_.count);
    this->scratch = rows_.size(0) * columns_;
  }

  void run(std::size_t chunk, Real* sum) const override {
    const std::size_t first = rows_.begin(chunk), last = first + rows_.size(chunk);
    const RowSteps* const steps = this->weight().by_rows;
    if (steps && steps->gradient && !this->weight().gradient) return steps->step(first, last, this->kernel());
    std::fill_n(sum, (last - first) * columns_, Real(0));
    const RowGradient& gradient = *term_.gradient;
    const auto begin = gradient.rows.begin();
    for (auto row = std::lower_bound(begin, gradient.rows.end(), std::int64_t(first));
         row != gradient.rows.end() && *row < std::int64_t(last); ++row) {
      const std::size_t at = std::size_t(row - begin) * columns_;
      gradient.read(at, at + columns_, reinterpret_cast<std::byte*>(sum + (std::size_t(*row) - first) * columns_));
    }
    this->update(chunk, first * columns_, sum, MatrixLayout((last - first) * columns_));
  }

  std::string name() const override {
    return "learn sparse " + std::to_string(this->weight().attributes->rows) + "x" + std::to_string(columns_);
  }

 private:
  const SparseTerm<Real>& term_;
  const std::size_t columns_;
  const Blocks rows_;
};

}  // namespace gs
