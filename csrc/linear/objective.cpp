#include "linear/objective.hpp"

#include <algorithm>
#include <atomic>

namespace gs {
namespace {

// Numbers of a design that are worth another thread.
constexpr std::size_t worth = 1 << 18;

}  // namespace

// p, r, h (outputs, block), and what softmax needs beside.
template <class Real> struct LinearObjective<Real>::Room {
  double *p, *r, *h, *more;
};

template <class Real>
LinearObjective<Real>::LinearObjective(const Design<Real>& given, const double* y, const double* s,
                                       const ObjectiveSettings& chosen)
    : design(given),
      settings(chosen),
      size(chosen.outputs * std::size_t(given.columns + chosen.fit_intercept) + (chosen.loss == SumLoss::huber)),
      stride_(std::size_t(given.columns + chosen.fit_intercept)),
      rows_(given, size),
      y_(y),
      s_(s),
      ones_(rows_.block, 1.0),
      partial_(rows_.chunks * size),
      curvature_(chosen.keeps_curvature ? chosen.outputs * std::size_t(given.rows) : 0) {}

/// work(chunk, thread) -> whether the matrix was as it must be. False if it once was not.
template <class Real> template <class Work> bool LinearObjective<Real>::in_team(std::size_t chunks, const Work& work) {
  std::atomic<bool> good{true};
  const int threads = threads_for(std::min(chunks, std::size_t(design.work()) / worth + 1));
  while (rooms_.size() < std::size_t(threads)) rooms_.emplace_back((3 * settings.outputs + 2) * rows_.block);
  ThreadTeam::run(threads, [&](ThreadTeam& team) {
    const ThreadTeam::Cancellable here(team);
    team.stage(chunks, [&](std::size_t chunk, int thread) {
      if (!work(chunk, thread)) good.store(false, std::memory_order_relaxed);
    });
  });
  return good;
}

/// Sums of blocks' rows with w, middle(first, count, room) -> a sum, which writes r, and r back into g; squares
/// (chunks, columns + 1): null, or those of the columns and of the intercept's are added, while the block is in cache.
template <class Real>
template <class Middle>
double LinearObjective<Real>::pass(const double* w, double* g, const Middle& middle, double* squares) {
  const std::size_t outputs = settings.outputs, n = std::size_t(design.columns), block = rows_.block;
  std::vector<double> sums(rows_.chunks);
  // Where most methods begin: no sums are needed.
  std::vector<char> is_zero(outputs);
  for (std::size_t k = 0; k < outputs; ++k)
    is_zero[k] = std::all_of(w + k * stride_, w + k * stride_ + n, [](double one) { return one == 0; });
  const bool good = in_team(rows_.chunks, [&](std::size_t chunk, int thread) {
    double* const at = rooms_[std::size_t(thread)].data();
    const Room room{at, at + outputs * block, at + 2 * outputs * block, at + 3 * outputs * block};
    double* const to = partial_.data() + chunk * size;
    std::fill_n(to, size, 0.0);
    double sum = 0;
    bool fine = true;
    rows_.each_block(chunk, [&](std::size_t first, std::size_t count) {
      for (std::size_t k = 0; k < outputs; ++k) {
        const double *const from = w + k * stride_, start = settings.fit_intercept ? from[n] : 0;
        if (is_zero[k])
          std::fill_n(room.p + k * block, count, start);
        else
          fine &= rows_.margins(first, count, from, start, room.p + k * block);
      }
      sum += middle(first, count, room, to);
      for (std::size_t k = 0; k < outputs; ++k) {
        const double* const r = room.r + k * block;
        fine &= rows_.accumulate(first, count, r, to + k * stride_);
        if (settings.fit_intercept)
          for (std::size_t i = 0; i < count; ++i) to[k * stride_ + n] += r[i];
      }
      if (squares) fine &= add_squares(first, count, squares + chunk * (n + 1));
    });
    sums[chunk] = sum;
    return fine;
  });
  if (!good) bad_design();
  double sum = 0;
  std::fill_n(g, size, 0.0);
  for (std::size_t chunk = 0; chunk < rows_.chunks; ++chunk) {
    sum += sums[chunk];
    const double* const part = partial_.data() + chunk * size;
    for (std::size_t j = 0; j < size; ++j) g[j] += part[j];
  }
  for (std::size_t j = 0; j < size; ++j) g[j] *= settings.scale;
  penalize(w, g);
  return settings.scale * sum;
}

template <class Real> void LinearObjective<Real>::penalize(const double* w, double* g) const {
  const std::size_t n = std::size_t(design.columns);
  for (std::size_t k = 0; k < settings.outputs; ++k) {
    for (std::size_t j = 0; j < n; ++j) g[k * stride_ + j] += settings.l2 * w[k * stride_ + j];
    if (settings.fit_intercept) g[k * stride_ + n] += settings.l2_intercept * w[k * stride_ + n];
  }
}

template <class Real> double LinearObjective<Real>::value(const double* w, double* g, double* diagonal) {
  const std::size_t block = rows_.block, n = std::size_t(design.columns);
  const auto& table = kernels().linear_rows;
  const bool has_scale = settings.loss == SumLoss::huber, keeps = !curvature_.empty();
  const double scale = has_scale ? w[size - 1] : 1;
  std::vector<double> of_columns(diagonal ? rows_.chunks * (n + 1) : 0);
  const auto middle = [&](std::size_t first, std::size_t count, const Room& room, double* to) {
    const double* const s = s_ ? s_ + first : ones_.data();
    double* const h = keeps ? curvature_.data() + first : room.h;
    if (settings.loss == SumLoss::softmax) {
      SoftmaxSums rows{y_ + first, s, room.p, room.r, h, room.more, count, settings.outputs, block};
      // h has the row stride of p: what is kept has that of all rows.
      rows.h = room.h;
      const double sum = table.softmax(rows);
      if (keeps)
        for (std::size_t k = 0; k < settings.outputs; ++k)
          std::copy_n(room.h + k * block, count, h + k * std::size_t(design.rows));
      return sum;
    }
    const double sum = table.losses[int(settings.loss)]({y_ + first, s, room.p, room.r, h, count, settings.at, scale});
    // scale L(r / scale) + scale is homogeneous in r and the scale together: Euler's rule has the slope in the scale.
    if (has_scale) {
      double along = 0;
      for (std::size_t i = 0; i < count; ++i) along += (room.p[i] - y_[first + i]) * room.r[i];
      to[size - 1] += (sum - along) / scale;
    }
    return sum;
  };
  double f = pass(w, g, middle, diagonal ? of_columns.data() : nullptr);
  if (diagonal) find_diagonal(of_columns, diagonal);
  double squares = 0, of_intercepts = 0;
  for (std::size_t k = 0; k < settings.outputs; ++k) {
    for (std::size_t j = 0; j < n; ++j) squares += w[k * stride_ + j] * w[k * stride_ + j];
    if (settings.fit_intercept) of_intercepts += w[k * stride_ + n] * w[k * stride_ + n];
  }
  f += 0.5 * settings.l2 * squares;
  if (settings.l2_intercept != 0) f += 0.5 * settings.l2_intercept * of_intercepts;
  return f;
}

template <class Real> void LinearObjective<Real>::hessian_product(const double* v, double* out) {
  const std::size_t outputs = settings.outputs, block = rows_.block, all = std::size_t(design.rows);
  pass(v, out, [&](std::size_t first, std::size_t count, const Room& room, double*) {
    const double* const h = curvature_.data() + first;
    if (settings.loss != SumLoss::softmax) {
      for (std::size_t i = 0; i < count; ++i) room.r[i] = h[i] * room.p[i];
      return 0.0;
    }
    // (diag h - h h^T) p of each row
    for (std::size_t i = 0; i < count; ++i) room.more[i] = 0;
    for (std::size_t k = 0; k < outputs; ++k)
      for (std::size_t i = 0; i < count; ++i) room.more[i] += h[k * all + i] * room.p[k * block + i];
    for (std::size_t k = 0; k < outputs; ++k)
      for (std::size_t i = 0; i < count; ++i)
        room.r[k * block + i] = (s_ ? s_[first + i] : 1) * h[k * all + i] * (room.p[k * block + i] - room.more[i]);
    return 0.0;
  });
}

template <class Real> void LinearObjective<Real>::margins(const double* w, double* p) {
  const std::size_t n = std::size_t(design.columns), all = std::size_t(design.rows);
  const bool good = in_team(rows_.chunks, [&](std::size_t chunk, int) {
    bool fine = true;
    rows_.each_block(chunk, [&](std::size_t first, std::size_t count) {
      for (std::size_t k = 0; k < settings.outputs; ++k) {
        const double* const from = w + k * stride_;
        fine &= rows_.margins(first, count, from, settings.fit_intercept ? from[n] : 0, p + k * all + first);
      }
    });
    return fine;
  });
  if (!good) bad_design();
}

// to (columns + 1) += the squares of the columns of some rows, and of the intercept's. False where the matrix has a
// column that it must not have.
template <class Real> bool LinearObjective<Real>::add_squares(std::size_t first, std::size_t count, double* to) const {
  const auto n = std::size_t(design.columns);
  for (std::size_t i = first; i < first + count; ++i) {
    const double s = s_ ? s_[i] : 1;
    to[n] += s;
    if (design.is_sparse()) {
      const std::int64_t from = design.starts[i], end = design.starts[i + 1];
      if (from < 0 || end > design.stored) return false;
      for (std::int64_t k = from; k < end; ++k) {
        const auto column = std::size_t(std::uint32_t(design.where[k]));
        if (column >= n) return false;
        to[column] += s * double(design.x[k]) * double(design.x[k]);
      }
    } else {
      const Real* const row = design.x + i * n;
      for (std::size_t j = 0; j < n; ++j) to[j] += s * double(row[j]) * double(row[j]);
    }
  }
  return true;
}

// From squares (chunks, columns + 1), which are summed in place.
template <class Real> void LinearObjective<Real>::find_diagonal(std::vector<double>& squares, double* out) const {
  const std::size_t n = std::size_t(design.columns), width = n + 1;
  const double bend = settings.loss == SumLoss::softmax    ? 1 / double(settings.outputs)
                      : settings.loss == SumLoss::log_loss ? 0.25
                                                           : 2;
  for (std::size_t at = width; at < squares.size(); ++at) squares[at % width] += squares[at];
  for (std::size_t j = 0; j < width; ++j)
    squares[j] = settings.scale * bend * squares[j] + (j < n ? settings.l2 : settings.l2_intercept);
  std::fill_n(out, size, 1.0);
  for (std::size_t k = 0; k < settings.outputs; ++k) std::copy_n(squares.data(), stride_, out + k * stride_);
}

template <class Real> void LinearObjective<Real>::transposed(const double* r, double* g) {
  const std::size_t n = std::size_t(design.columns);
  const bool good = in_team(rows_.chunks, [&](std::size_t chunk, int) {
    bool fine = true;
    double* const to = partial_.data() + chunk * size;
    std::fill_n(to, n, 0.0);
    rows_.each_block(
        chunk, [&](std::size_t first, std::size_t count) { fine &= rows_.accumulate(first, count, r + first, to); });
    return fine;
  });
  if (!good) bad_design();
  std::fill_n(g, n, 0.0);
  for (std::size_t chunk = 0; chunk < rows_.chunks; ++chunk)
    for (std::size_t j = 0; j < n; ++j) g[j] += partial_[chunk * size + j];
}

template class LinearObjective<float>;
template class LinearObjective<double>;

}  // namespace gs
