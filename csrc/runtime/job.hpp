// A job is work cut into chunks that may run in any order on any thread; where it is cut depends on shapes alone, so
// the results do not depend on the number of threads.
#pragma once

#include <cstddef>
#include <new>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/blocks.hpp"

namespace gs {

template <class Real> class Job {
 public:
  virtual ~Job() = default;
  /// Before each time that all chunks are run, by so many threads. For the leader.
  virtual void begin(int threads) const { (void)threads; }
  virtual void run(std::size_t chunk, Real* scratch) const = 0;
  virtual std::string name() const = 0;  // for profiles
  std::size_t chunks = 1;
  std::size_t scratch = 0;  // elements
  bool in_order = false;    // whether each thread is to go through its part from the first chunk to the last
};

/// A matrix cut into blocks of rows and columns, numbered along its rows or down its columns.
struct Grid {
  /// Columns of the panels that products go through: a block that ends within one costs as much as the whole.
  static constexpr std::size_t panel = 64;

  /// unit: columns that stay together, of which block_columns is a multiple.
  Grid(std::size_t n_rows, std::size_t n_columns, std::size_t block_rows, std::size_t block_columns, bool down = false,
       std::size_t unit = 1)
      : rows(n_rows, block_rows),
        columns((n_columns + unit - 1) / unit, block_columns / unit),
        n_columns(n_columns),
        unit(unit),
        down(down) {}

  /// Columns of the widest block.
  std::size_t widest() const { return columns.size(0) * unit < n_columns ? columns.size(0) * unit : n_columns; }
  std::size_t chunks() const { return rows.count * columns.count; }
  struct Block {
    std::size_t row, column, rows, columns;
  };
  Block block(std::size_t chunk) const {
    const std::size_t i = down ? chunk % rows.count : chunk / columns.count;
    const std::size_t j = down ? chunk / rows.count : chunk % columns.count;
    const std::size_t begin = columns.begin(j) * unit, left = n_columns - begin, wide = columns.size(j) * unit;
    return {rows.begin(i), begin, rows.size(i), wide < left ? wide : left};
  }

  const Blocks rows, columns;  // columns: in units
  const std::size_t n_columns, unit;
  const bool down;
};

/// work(first row, how many), in memory that the job it is for gives back.
struct RowsWork {
  template <class Work> static RowsWork of(Work work) {
    static_assert(alignof(Work) <= alignof(std::max_align_t));
    RowsWork held{new Work(std::move(work)), nullptr, [](const void* at, std::size_t first, std::size_t count) {
                    (*static_cast<const Work*>(at))(first, count);
                  }};
    if constexpr (!std::is_trivially_destructible_v<Work>)
      held.destroy = [](const void* at) { static_cast<const Work*>(at)->~Work(); };
    return held;
  }

  const void* at;
  void (*destroy)(const void* at);  // null where there is nothing to do
  void (*call)(const void* at, std::size_t first, std::size_t count);
};

/// Anything done to each of some rows on its own. One class for all work: a class for each of two hundred would be a
/// table, a destructor and three more functions each.
template <class Real> class RowsJob : public Job<Real> {
 public:
  RowsJob(std::size_t rows, std::size_t block, const RowsWork& work) : grid_(rows, 1, block, 1), work_(work) {
    this->chunks = grid_.chunks();
  }
  ~RowsJob() override {
    if (work_.destroy) work_.destroy(work_.at);
    ::operator delete(const_cast<void*>(work_.at));
  }
  RowsJob(const RowsJob&) = delete;
  void run(std::size_t chunk, Real*) const override {
    const auto b = grid_.block(chunk);
    work_.call(work_.at, b.row, b.rows);
  }

  std::string name() const override { return "rows"; }

 private:
  const Grid grid_;
  const RowsWork work_;
};

}  // namespace gs
