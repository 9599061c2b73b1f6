#include "update/factored.hpp"

#include <algorithm>
#include <cmath>

#include "runtime/dispatch.hpp"
#include "update/visit.hpp"

namespace gs {
namespace {

/// The last two axes of an array, and how many such matrices it holds; one row where there are fewer axes.
struct Matrices {
  std::size_t count, rows, columns;

  explicit Matrices(const Layout& layout) : count(1), rows(1), columns(1) {
    const auto& shape = layout.shape;
    if (shape.size() >= 1) columns = std::size_t(shape.back());
    if (shape.size() >= 2) rows = std::size_t(shape[shape.size() - 2]);
    for (std::size_t d = 0; d + 2 < shape.size(); ++d) count *= std::size_t(shape[d]);
  }
};

// A row of a tile is a block at most; its sums take a few hundredths of the memory of the tile.
constexpr std::size_t tile_columns = block, tile_rows = 64, tile_size = 1 << 15;

struct Tile {
  std::size_t task, matrix, row, rows, column, columns;
  std::size_t sums;  // where those of its rows begin; then come those of its columns
};

/// What is known of a task on the way.
struct Found {
  explicit Found(const FactoredTask& task) : matrices(task.grad->parameter->layout) {}

  Matrices matrices;
  std::size_t first_tile = 0, tiles = 0;
  std::vector<std::byte> roots;  // of Real: 1 / root of what v is the product of, for rows, then for columns
  double step = 0;
};

class FactoredStep {
 public:
  FactoredStep(const std::vector<FactoredTask>& tasks, ThreadTeam* team) : tasks_(tasks), team_(team) {
    for (std::size_t i = 0; i < tasks.size(); ++i) cut(i);
    sums_.resize(total_);
    parts_.resize(tiles_.size());
  }

  void run() {
    over_tiles([&](auto real, std::size_t i) { measure<decltype(real)>(i); });
    over_tasks([&](auto real, std::size_t i) { remember<decltype(real)>(i); });
    over_tiles([&](auto real, std::size_t i) { spread<decltype(real)>(i); });
    for (std::size_t i = 0; i < tasks_.size(); ++i) clip(i);
    over_tiles([&](auto real, std::size_t i) { update<decltype(real)>(i); });
  }

 private:
  void cut(std::size_t task) {
    Found found(tasks_[task]);
    const Matrices& m = found.matrices;
    found.first_tile = tiles_.size();
    if (tasks_[task].grad->parameter->layout.size > 0) {
      const std::size_t width = std::min(m.columns, tile_columns), height = std::max(tile_rows, tile_size / width);
      for (std::size_t k = 0; k < m.count; ++k)
        for (std::size_t i = 0; i < m.rows; i += height)
          for (std::size_t j = 0; j < m.columns; j += width) {
            const std::size_t rows = std::min(height, m.rows - i), columns = std::min(width, m.columns - j);
            tiles_.push_back({task, k, i, rows, j, columns, total_});
            total_ += rows + columns;
          }
    }
    found.tiles = tiles_.size() - found.first_tile;
    found_.push_back(std::move(found));
  }

  template <class Work> void with_real(std::size_t task, Work work) const {
    if (tasks_[task].kernel->real == Dtype::f64)
      work(double());
    else
      work(float());
  }
  template <class Work> void over_tiles(Work work) const {
    over(tiles_.size(), [&](std::size_t i) { with_real(tiles_[i].task, [&](auto real) { work(real, i); }); });
  }
  template <class Work> void over_tasks(Work work) const {
    over(tasks_.size(), [&](std::size_t i) { with_real(i, [&](auto real) { work(real, i); }); });
  }
  template <class Work> void over(std::size_t count, Work work) const {
    if (team_) return team_->stage(count, [&](std::size_t i, int) { work(i); });
    for (std::size_t i = 0; i < count; ++i) work(i);
  }

  /// work(w, g, factors, row of the tile, layout): the whole tile at once, or row by row.
  template <class Real, bool back, class Work> void visit_tile(const Tile& tile, Work work) const {
    const FactoredTask& task = tasks_[tile.task];
    const Parameter& p = *task.grad->parameter;
    const Matrices& m = found_[tile.task].matrices;
    const std::size_t first = (tile.matrix * m.rows + tile.row) * m.columns + tile.column;
    if (task.kernel->is_plain(p.dtype, task.grad->dtype, task.scale) && p.layout.contiguous &&
        task.grad->layout->contiguous) {
      work(reinterpret_cast<Real*>(p.data) + first, reinterpret_cast<const Real*>(task.grad->gradient) + first,
           Factors{task.kernel->factors.decay, task.kernel->factors.scale * task.scale}, 0,
           MatrixLayout(tile.rows, tile.columns, m.columns));
      return;
    }
    for (std::size_t i = 0; i < tile.rows; ++i) {
      const std::size_t begin = first + i * m.columns;
      visit(*task.grad, back, begin, begin + tile.columns, [&](const ParamSlice& slice) {
        const auto row = [&](Real* w, const Real* g, const Factors& factors, std::size_t, std::size_t n) {
          work(w, g, factors, i, MatrixLayout(n));
        };
        BlockUpdate<Real> update(*task.kernel, slice);
        back ? update.write(task.scale, row) : update.read(task.scale, row);
      });
    }
  }

  /// The sums of squares of a tile: of its rows and columns of gradients, and of its weights.
  template <class Real> void measure(std::size_t i) {
    const Tile& tile = tiles_[i];
    const bool decayed = tasks_[tile.task].constants.decayed;
    double *const rows = sums_.data() + tile.sums, *const columns = rows + tile.rows;
    visit_tile<Real, false>(
        tile, [&](const Real* w, const Real* g, const Factors& factors, std::size_t row, const MatrixLayout& layout) {
          factor_loops<Real>().squares(g, layout, factors.scale, rows + row, columns);
          parts_[i] += factor_loops<Real>().size(w, layout, decayed ? factors.decay : 1);
        });
  }

  /// The new means, and the roots that a step needs of them.
  template <class Real> void remember(std::size_t task) {
    const Parameter& p = *tasks_[task].grad->parameter;
    if (p.layout.size == 0) return;  // no means
    const Factored& constants = tasks_[task].constants;
    Found& found = found_[task];
    const Matrices& m = found.matrices;
    std::vector<double> rows(m.count * m.rows), columns(m.count * m.columns);
    for (std::size_t i = 0; i < found.tiles; ++i) {
      const Tile& tile = tiles_[found.first_tile + i];
      const double* sum = sums_.data() + tile.sums;
      for (std::size_t k = 0; k < tile.rows; ++k) rows[tile.matrix * m.rows + tile.row + k] += *sum++;
      for (std::size_t k = 0; k < tile.columns; ++k) columns[tile.matrix * m.columns + tile.column + k] += *sum++;
    }
    const auto learn = [&](Real* mean, const std::vector<double>& sums, std::size_t terms) {
      for (std::size_t k = 0; k < sums.size(); ++k)
        mean[k] =
            Real((1 - constants.share) * double(mean[k]) + constants.share * (sums[k] / double(terms) + constants.add));
    };
    Real *const row = static_cast<Real*>(p.state[0]), *const column = static_cast<Real*>(p.state[1]);
    learn(row, rows, m.columns);
    learn(column, columns, m.rows);

    found.roots.resize((rows.size() + columns.size()) * sizeof(Real));
    Real* root = reinterpret_cast<Real*>(found.roots.data());
    for (std::size_t k = 0; k < m.count; ++k) {
      double mean = 0;
      for (std::size_t i = 0; i < m.rows; ++i) mean += double(row[k * m.rows + i]);
      mean = std::max(constants.least_mean, mean / double(m.rows));
      for (std::size_t i = 0; i < m.rows; ++i)
        *root++ = p.layout.shape.size() < 2 ? Real(1) : Real(std::sqrt(mean / double(row[k * m.rows + i])));
    }
    for (std::size_t j = 0; j < columns.size(); ++j) *root++ = Real(1 / std::sqrt(double(column[j])));
  }

  template <class Real> Moment<Real> moment(const Tile& tile) const {
    const Found& found = found_[tile.task];
    const Matrices& m = found.matrices;
    const Real* const roots = reinterpret_cast<const Real*>(found.roots.data());
    const Real* const columns = roots + m.count * m.rows;
    return {roots + tile.matrix * m.rows + tile.row, columns + tile.matrix * m.columns + tile.column,
            Real(1 / std::sqrt(tasks_[tile.task].constants.least))};
  }

  template <class Real> void spread(std::size_t i) {
    const Tile& tile = tiles_[i];
    const Moment<Real> whole = moment<Real>(tile);
    double total = 0;
    visit_tile<Real, false>(
        tile, [&](const Real*, const Real* g, const Factors& factors, std::size_t row, const MatrixLayout& layout) {
          total += factor_loops<Real>().spread(g, layout, factors.scale, {whole.row + row, whole.column, whole.most});
        });
    sums_[tile.sums] = total;  // what was there has been used
  }

  /// How far a step goes. NaN stays NaN.
  void clip(std::size_t task) {
    Found& found = found_[task];
    const Factored& constants = tasks_[task].constants;
    const double n = double(tasks_[task].grad->parameter->layout.size);
    double weights = 0, directions = 0;
    for (std::size_t i = 0; i < found.tiles; ++i) {
      weights += parts_[found.first_tile + i];
      directions += sums_[tiles_[found.first_tile + i].sums];
    }
    const double size = std::sqrt(weights / n);
    const double direction = std::sqrt(directions / n) / constants.clip;
    found.step =
        constants.rate * (size < constants.least_size ? constants.least_size : size) / (direction < 1 ? 1 : direction);
  }

  template <class Real> void update(std::size_t i) {
    const Tile& tile = tiles_[i];
    const Moment<Real> whole = moment<Real>(tile);
    visit_tile<Real, true>(
        tile, [&](Real* w, const Real* g, const Factors& factors, std::size_t row, const MatrixLayout& layout) {
          factor_loops<Real>().move(w, g, layout, factors, found_[tile.task].step,
                                    {whole.row + row, whole.column, whole.most});
        });
  }

  const std::vector<FactoredTask>& tasks_;
  ThreadTeam* const team_;
  std::vector<Tile> tiles_;
  std::vector<Found> found_;   // (task)
  std::vector<double> sums_;   // of the tiles
  std::vector<double> parts_;  // (tile): of squares of weights
  std::size_t total_ = 0;
};

}  // namespace

std::vector<std::int64_t> factor_shape(const std::vector<std::int64_t>& shape, std::size_t slot) {
  std::vector<std::int64_t> left = shape;
  if (left.size() > slot) left.erase(left.end() - 1 - std::ptrdiff_t(slot));
  return left;
}

void factored_step(const std::vector<FactoredTask>& tasks, ThreadTeam* team) { FactoredStep(tasks, team).run(); }

}  // namespace gs
