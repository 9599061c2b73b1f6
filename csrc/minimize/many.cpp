#include "minimize/many.hpp"

#include <algorithm>
#include <cmath>

#include "runtime/threads.hpp"

namespace gs::minimize {
namespace {

constexpr double c1 = 1e-4, c2 = 0.9;
constexpr std::int32_t trials = 40;     // of one line search
constexpr std::size_t chunk = 64;       // problems
constexpr std::size_t worth = 1 << 12;  // doubles of state from which on rounds are worth a second thread

double product(const double* a, const double* b, std::size_t n) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

/// work(begin, end) over pieces of `count`, on threads.
template <class Work> void in_chunks(std::size_t count, std::size_t threads_worth, const Work& work) {
  const std::size_t chunks = (count + chunk - 1) / chunk;
  const auto one = [&](std::size_t i) { work(i * chunk, std::min(count, (i + 1) * chunk)); };
  const int threads = threads_worth < worth ? 1 : threads_for(chunks);
  ThreadTeam::run(threads, [&](ThreadTeam& team) {
    const ThreadTeam::Cancellable cancellable(team);
    team.stage(chunks, [&](std::size_t i, int) { one(i); });
  });
}

}  // namespace

/// A problem's state: x, g, d, trial (n each); then the matrix (n, n), or s and y (pairs, n) and rho (pairs).
struct Many::Row {
  std::size_t i, n;
  double *x, *g, *d, *trial, *rest;
  Search& at;
  double* s(std::size_t pair) const { return rest + 2 * pair * n; }
  double* y(std::size_t pair) const { return rest + (2 * pair + 1) * n; }
};

Many::Many(std::size_t count, std::size_t n, const double* x, const Settings& settings)
    : x(x, x + count * n),
      f(count, inf),
      g(count * n),
      decrease(count, inf),
      first(count, nan),
      nit(count),
      nfev(count),
      ended(count, Ended::no),
      count(count),
      n(n),
      settings_(settings),
      size_(4 * n + (settings.pairs ? settings.pairs * (2 * n + 2) : n * n + n)),
      state_(count * size_),
      searches_(count),
      rows_(count) {
  for (std::size_t i = 0; i < count; ++i) {
    rows_[i] = std::int64_t(i);
    std::copy_n(x + i * n, n, row(i).trial);
  }
}

Many::Row Many::row(std::size_t i) {
  double* const p = state_.data() + i * size_;
  return {i, n, p, p + n, p + 2 * n, p + 3 * n, p + 4 * n, searches_[i]};
}

void Many::ask(double* points) const {
  for (std::size_t k = 0; k < rows_.size(); ++k)
    std::copy_n(state_.data() + std::size_t(rows_[k]) * size_ + 3 * n, n, points + k * n);
}

void Many::tell(const double* values, const double* gradients) {
  in_chunks(rows_.size(), rows_.size() * size_, [&](std::size_t from, std::size_t to) {
    for (std::size_t k = from; k < to; ++k) {
      Row here = row(std::size_t(rows_[k]));
      take(here, values[k], gradients + k * n);
    }
  });
  rows_.erase(
      std::remove_if(rows_.begin(), rows_.end(), [&](std::int64_t i) { return ended[std::size_t(i)] != Ended::no; }),
      rows_.end());
}

void Many::solve(const MachineCode& code, const std::byte* data, std::size_t stride) {
  in_chunks(count, worth, [&](std::size_t from, std::size_t to) {
    std::vector<double> gradient(n);
    std::vector<float> single(code.is_single ? 2 * n : 0);
    MachineCode own = code;
    for (std::size_t i = from; i < to; ++i) {
      if (data) own.user = const_cast<std::byte*>(data + i * stride);
      Row here = row(i);
      while (ended[i] == Ended::no) {
        const double value = own(n, here.trial, gradient.data(), single.data());
        take(here, value, gradient.data());
        if (nfev[i] % 256 == 0 && ThreadTeam::is_cancelled()) return;
      }
    }
  });
  rows_.clear();
}

/// Keeps where a problem is as the lowest point.
void Many::keep(Row& row) {
  f[row.i] = row.at.f;
  std::copy_n(row.x, n, x.data() + row.i * n);
  std::copy_n(row.g, n, g.data() + row.i * n);
}

void Many::begin(Row& row, double value, const double* gradient) {
  row.at = {value, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, true, true};
  std::copy_n(row.trial, n, row.x);
  std::copy_n(gradient, n, row.g);
  first[row.i] = value;
  keep(row);
  const double size = largest(gradient, n);
  if (!std::isfinite(value) || !std::isfinite(size)) {
    ended[row.i] = Ended::nan;
  } else if (size <= settings_.gtol) {
    ended[row.i] = Ended::gtol;
  } else if (settings_.maxiter == 0) {
    ended[row.i] = Ended::maxiter;
  } else {
    forget(row);
    direct(row);
  }
}

void Many::forget(Row& row) {
  Search& at = row.at;
  at.is_fresh = true;
  at.pairs = at.oldest = 0;
  at.gamma = 1;
  if (settings_.pairs) return;
  std::fill_n(row.rest, n * n, 0.0);
  for (std::size_t i = 0; i < n; ++i) row.rest[i * n + i] = 1;
}

/// A new line search along -H g, with its first trial point.
void Many::direct(Row& row) {
  Search& at = row.at;
  if (!settings_.pairs) {
    for (std::size_t i = 0; i < n; ++i) row.d[i] = -product(row.rest + i * n, row.g, n);
  } else {
    const std::size_t k = std::size_t(at.pairs), m = settings_.pairs;
    double* const rho = row.rest + 2 * m * n;  // and behind it the weights
    double* const weights = rho + m;
    for (std::size_t i = 0; i < n; ++i) row.d[i] = -row.g[i];
    for (std::size_t j = k; j-- > 0;) {
      const std::size_t p = (std::size_t(at.oldest) + j) % m;
      weights[p] = rho[p] * product(row.s(p), row.d, n);
      for (std::size_t i = 0; i < n; ++i) row.d[i] -= weights[p] * row.y(p)[i];
    }
    for (std::size_t i = 0; i < n; ++i) row.d[i] *= at.gamma;
    for (std::size_t j = 0; j < k; ++j) {
      const std::size_t p = (std::size_t(at.oldest) + j) % m;
      const double weight = weights[p] - rho[p] * product(row.y(p), row.d, n);
      for (std::size_t i = 0; i < n; ++i) row.d[i] += weight * row.s(p)[i];
    }
  }
  at.slope = product(row.d, row.g, n);
  if (!(at.slope < 0)) {
    forget(row);
    for (std::size_t i = 0; i < n; ++i) row.d[i] = -row.g[i];
    at.slope = -product(row.g, row.g, n);
  }
  at.alpha = at.is_fresh ? 1 / std::max(std::sqrt(-at.slope), 1.0) : 1;
  at.low = 0;
  at.low_f = at.f;
  at.low_slope = at.slope;
  at.high = at.high_f = inf;
  at.trials = 0;
}

/// The update of the matrix, or another pair, unless there is no measurable curvature in it.
void Many::learn(Row& row, const double* s, const double* y) {
  Search& at = row.at;
  const double ys = product(y, s, n), yy = product(y, y, n), ss = product(s, s, n);
  if (!(ys > 1e-10 * std::sqrt(yy * ss))) return;
  if (settings_.pairs) {
    const std::size_t m = settings_.pairs;
    const std::size_t p = (std::size_t(at.oldest) + std::size_t(at.pairs)) % m;
    if (std::size_t(at.pairs) == m)
      at.oldest = std::int32_t((std::size_t(at.oldest) + 1) % m);
    else
      ++at.pairs;
    std::copy_n(s, n, row.s(p));
    std::copy_n(y, n, row.y(p));
    row.rest[2 * m * n + p] = 1 / ys;
    at.gamma = ys / yy;
    at.is_fresh = false;
    return;
  }
  double *const H = row.rest, *const u = row.rest + n * n;
  if (at.is_fresh) {
    const double scale = std::max(std::pow(ys / yy, 0.75), 1e-3);
    for (std::size_t i = 0; i < n * n; ++i) H[i] *= scale;
    at.is_fresh = false;
  }
  for (std::size_t i = 0; i < n; ++i) u[i] = product(H + i * n, y, n);
  const double half = 0.5 * (1 + product(y, u, n) / ys) / ys;
  for (std::size_t i = 0; i < n; ++i) u[i] = half * s[i] - u[i] / ys;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) H[i * n + j] += s[i] * u[j] + u[i] * s[j];
}

/// The value and gradient at a problem's trial point; makes the next one.
void Many::take(Row& row, double value, const double* gradient) {
  Search& at = row.at;
  ++nfev[row.i];
  if (!at.has_begun) {
    begin(row, value, gradient);
  } else {
    const double slope = product(gradient, row.d, n), noise = 4 * settings_.eps * std::fabs(at.f);
    const bool is_finite = std::isfinite(value) && std::isfinite(slope);
    // Where f resolves no change, slopes decide.
    const bool enough =
        is_finite &&
        (value <= at.f + c1 * at.alpha * at.slope ||
         (value <= at.f + noise && slope <= (2 * c1 - 1) * at.slope && -at.alpha * at.slope <= 1e4 * noise));
    ++at.trials;
    if (enough && slope >= c2 * at.slope) {
      for (std::size_t i = 0; i < n; ++i) {
        const double to = row.trial[i];
        row.trial[i] -= row.x[i];
        row.x[i] = to;
        row.d[i] = gradient[i] - row.g[i];
        row.g[i] = gradient[i];
      }
      learn(row, row.trial, row.d);
      at.f = value;
      ++nit[row.i];
      const bool is_solved = largest(gradient, n) <= settings_.gtol;
      const double lowest = f[row.i];
      if (value <= lowest || (is_solved && value <= lowest + 1e-10 * std::fabs(lowest))) keep(row);
      if (is_solved)
        ended[row.i] = Ended::gtol;
      else if (nit[row.i] >= settings_.maxiter)
        ended[row.i] = Ended::maxiter;
      else
        direct(row);
    } else {
      if (enough) {
        at.low = at.alpha;
        at.low_f = value;
        at.low_slope = slope;
      } else {
        at.high = at.alpha;
        at.high_f = is_finite ? value : inf;
      }
      if (at.trials >= trials || std::equal(row.trial, row.trial + n, row.x)) {
        if (at.is_fresh) {
          ended[row.i] = Ended::line_search;
          decrease[row.i] = -at.slope / 2;
        } else {
          forget(row);
          direct(row);
        }
      } else if (at.high == inf) {
        at.alpha = 3 * at.alpha;
      } else {
        // The minimum of a parabola within the bracket.
        const double width = at.high - at.low;
        double inside = -at.low_slope * width * width / (2 * (at.high_f - at.low_f - at.low_slope * width));
        if (!std::isfinite(inside)) inside = 0.1 * width;
        at.alpha = at.low + std::min(std::max(inside, 0.1 * width), 0.9 * width);
      }
    }
  }
  if (ended[row.i] != Ended::no) return;
  for (std::size_t i = 0; i < n; ++i) {
    const double to = row.x[i] + at.alpha * row.d[i];
    row.trial[i] = settings_.is_single ? double(float(to)) : to;
  }
}

}  // namespace gs::minimize
