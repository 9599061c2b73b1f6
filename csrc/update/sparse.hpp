// Row-sparse gradients: a step updates the rows of its gradient. The others have this step, by a gradient of 0,
// pending, and take all their pending steps when they are next needed, by the same loops over the same coefficients, so
// that in the end every bit is that of the dense gradient.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/dtype.hpp"
#include "runtime/strided.hpp"
#include "update/update_kernel.hpp"

namespace gs {

struct Parameter;

/// A gradient that is 0 but for some rows along the first axis. A row that is given several times counts as their sum.
class RowGradient {
 public:
  /// rows (n), in any order; values (n, columns) of float or double in C order, which must outlive this.
  RowGradient(const std::int64_t* rows, std::size_t n, const std::byte* values, Dtype dtype, std::size_t columns);
  /// The same, but number k of the n is factors[k], or without factors 1, times row at[k] of the values.
  RowGradient(const std::int64_t* rows, const std::uint32_t* at, const std::byte* factors, std::size_t n,
              const std::byte* values, Dtype dtype, std::size_t columns);

  /// Elements of the rows, each row once.
  std::size_t size() const { return rows.size() * columns; }
  /// Elements [begin, end) of the rows, as if they lay side by side -> out
  void read(std::size_t begin, std::size_t end, std::byte* out) const;

  const std::size_t columns;
  std::vector<std::int64_t> rows;  // each once, ascending

 private:
  template <class Real> void read(std::size_t begin, std::size_t end, Real* out) const;

  const std::byte* const values_;
  const Dtype dtype_;
  std::vector<std::size_t> order_;  // positions in values, row by row
  std::vector<std::size_t> first_;  // (row + 1): where in order_ the positions of a row begin
  // In that order: rows of the values, empty where each position is a row itself; and their factors, if there are any.
  std::vector<std::uint32_t> at_;
  std::vector<std::byte> factors_;
};

/// The steps that rows of a parameter have not taken yet: the log of lazy updates.
class PendingSteps {
 public:
  /// Steps that are kept; then all rows have to be brought up to date.
  static constexpr std::size_t most = 4096;

  explicit PendingSteps(std::size_t rows) : applied_(rows), had_gradient_(rows) {}

  bool empty() const { return steps_.empty(); }
  bool full() const { return steps_.size() == most; }
  std::uint16_t size() const { return std::uint16_t(steps_.size()); }
  const UpdateKernel& operator[](std::size_t step) const { return steps_[step]; }
  std::uint16_t applied(std::int64_t row) const { return applied_[std::size_t(row)]; }
  /// Whether a row ever had a gradient here: its state is not as at the start then.
  bool had_gradient(std::int64_t row) const { return had_gradient_[std::size_t(row)]; }
  /// How many rows had one.
  std::size_t rows_with_gradient() const { return rows_with_gradient_; }
  /// Whether a row that has taken so many of them, and whose state is as at the start, is changed by none of the
  /// others, but for the decay factor.
  bool is_fixed(std::uint16_t applied) const { return applied >= fixed_from_; }
  bool decays() const { return decays_; }
  double start(std::size_t slot) const { return start_[slot]; }

  /// Makes room for one more step: what may throw, before anything is written. start: of the slots, before a first
  /// step.
  void prepare(const std::vector<double>& start);
  /// A step was made in these rows; for the others it is pending.
  void add(const UpdateKernel& kernel, double scale, const std::vector<std::int64_t>& rows);
  /// These rows have taken all steps.
  void mark_current(const std::vector<std::int64_t>& rows);
  void clear();

 private:
  std::vector<UpdateKernel> steps_;     // the oldest first
  std::vector<std::uint16_t> applied_;  // (row): how many of them it has taken
  std::vector<bool> had_gradient_;      // (row)
  std::size_t rows_with_gradient_ = 0;
  std::vector<double> start_;   // (slot)
  std::size_t fixed_from_ = 0;  // the steps from this one on leave alone what is as at the start
  bool decays_ = false;         // one of them has a decay factor
};

/// Elements of a chunk of rows: whole rows, if they are not very long.
std::size_t row_chunk(std::size_t columns);
/// Elements of a row; 1 if the parameter has a single axis.
std::size_t columns_of(const Layout& layout);

/// Moves elements [begin, end) of the rows of a gradient, after they have caught up; without `kernel` they only catch
/// up; without a gradient either, elements [begin, end) of the parameter do. Chunks may run in any order on any thread.
void update_rows(const Parameter& parameter, const RowGradient* gradient, const UpdateKernel* kernel, double scale,
                 std::size_t begin, std::size_t end);

/// Brings all rows of a parameter up to date, or some, whose gradients do not matter.
void flush(const Parameter& parameter, const RowGradient* rows = nullptr);

}  // namespace gs
