// Batch normalization of many rows, in blocks: threads share what one of them would do alone where columns are few.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "graph/call.hpp"
#include "kernels/layers/columns.hpp"

namespace gs {

/// Of rows (rows, n), with sums over blocks whose number follows from that of the rows, added in their order; and then
/// over all shards, if the batch is one of several.
template <class Real> class BatchBlocks {
 public:
  static constexpr std::size_t block = 4096;
  static bool are_worth_it(std::size_t rows) { return rows > 2 * block; }

  /// mask (rows): 0 where a row is none of the batch's, whose mean and variance are used for it as well; null: all are.
  BatchBlocks(Schedule<Real>& schedule, Call<Real>& call, std::size_t rows, std::size_t n, const Real* mask = nullptr)
      : schedule_(schedule), call_(call), rows_(rows), n_(n), count_((rows + block - 1) / block), mask_(mask) {}

  // xhat (rows, n), where x is -> xhat, y (rows, n)
  void forward(Matrix<Real> xhat, const BatchStatistics<Real>& s, Matrix<Real> y) {
    double *const sums = doubles("sums", count_ * n_), *const mean = doubles("mean", n_),
                  *const counted = doubles("counted", 1), *const batch = doubles("batch sums", 2 * n_ + 1);
    Real* const center = call_.save("center", n_, n_).at;
    add_sums(xhat.at, nullptr, nullptr, mask_, sums);
    schedule_.once({{sums, mask_}, {batch}}, [=, n = n_, rows = rows_, count = count_, mask = mask_] {
      for (std::size_t j = 0; j < n; ++j) batch[j] = total(sums, count, n, j);
      batch[n] = mask ? double(rows - std::size_t(std::count(mask, mask + rows, Real(0)))) : double(rows);
    });
    // Keras's epsilon keeps the quotients of a batch without rows at 0.
    over_all(batch, n_ + 1, false, {mean, center, counted},
             [=, n = n_, none = mask_ ? 1e-7 : 0](const double* all, bool) {
               *counted = all[n] + none;
               for (std::size_t j = 0; j < n; ++j) center[j] = Real(mean[j] = all[j] / *counted);
             });
    add_sums(xhat.at, nullptr, mean, mask_, sums);
    schedule_.once({{sums}, {batch}}, [=, n = n_, count = count_] {
      for (std::size_t j = 0; j < n; ++j) batch[j] = total(sums, count, n, j);
    });
    over_all(batch, n_, false, {s.inverse, s.moving_mean, s.moving_variance},
             [=, n = n_](const double* all, bool moves) {
               for (std::size_t j = 0; j < n; ++j) {
                 const double variance = all[j] / *counted, rest = 1 - s.momentum;
                 s.inverse[j] = Real(1 / std::sqrt(variance + s.epsilon));
                 if (!moves) continue;
                 s.moving_mean[j] = Real(double(s.moving_mean[j]) * s.momentum + mean[j] * rest);
                 s.moving_variance[j] = Real(double(s.moving_variance[j]) * s.momentum + variance * rest);
               }
             });
    schedule_.each_row(rows_, n_, {{center, s.inverse, s.gamma, s.beta}, {xhat.at, y.at}},
                       [=, n = n_, apply = column_loops<Real>().batch_apply](std::size_t first, std::size_t count) {
                         Real* const at = xhat.at + first * n;
                         apply(at, center, s, count, n, at, y.at + first * n);
                       });
  }

  // dy, xhat (rows, n) -> dgamma, dbeta (n), and dx (rows, n) unless nobody wants it
  void backward(Matrix<Real> dy, Matrix<Real> xhat, const BatchStatistics<Real>& s, Real* dgamma, Real* dbeta,
                Matrix<Real> dx) {
    double *const plain = doubles("sums", count_ * n_), *const along = doubles("sums along", count_ * n_);
    Real *const mean = call_.save("mean of dy", n_, n_).at, *const slope = call_.save("slope", n_, n_).at;
    add_sums(dy.at, nullptr, nullptr, nullptr, plain);
    add_sums(dy.at, xhat.at, nullptr, nullptr, along);
    double *const batch = doubles("batch sums", 2 * n_ + 1), *const counted = doubles("counted", 1);
    schedule_.once({{plain, along}, {dgamma, dbeta, batch}}, [=, n = n_, count = count_] {
      for (std::size_t j = 0; j < n; ++j) {
        dbeta[j] = Real(batch[j] = total(plain, count, n, j));
        dgamma[j] = Real(batch[n + j] = total(along, count, n, j));
      }
    });
    if (!dx) return;
    over_all(batch, 2 * n_, true, {mean, slope}, [=, n = n_](const double* all, bool) {
      for (std::size_t j = 0; j < n; ++j) {
        mean[j] = Real(all[j] / *counted);
        slope[j] = Real(all[n + j] / *counted);
      }
    });
    const Real* const none = mask_ ? schedule_.workspace(n_) : nullptr;
    schedule_.each_row(
        rows_, n_, {{dy.at, xhat.at, mean, slope, s.inverse, s.gamma, mask_}, {dx.at}},
        [=, n = n_, mask = mask_, slopes = column_loops<Real>().batch_slopes](std::size_t first, std::size_t count) {
          each_run(mask, first, first + count, [&](std::size_t from, std::size_t rows, bool counts) {
            const std::size_t at = from * n;
            slopes(dy.at + at, xhat.at + at, counts ? mean : none, counts ? slope : none, s, rows, n, dx.at + at);
          });
        });
  }

  // dx, xhat (rows, n) -> dxhat (rows, n): the mean and the variance move with dx. Not `backward` where rows are
  // masked: those get what the others moved, but move nothing.
  void tangent(Matrix<Real> dx, Matrix<Real> xhat, BatchStatistics<Real> s, Matrix<Real> dxhat) {
    double *const plain = doubles("sums", count_ * n_), *const along = doubles("sums along", count_ * n_);
    Real *const mean = call_.save("mean of dx", n_, n_).at, *const slope = call_.save("slope", n_, n_).at;
    add_sums(dx.at, nullptr, nullptr, mask_, plain);
    add_sums(dx.at, xhat.at, nullptr, mask_, along);
    schedule_.once({{plain, along, mask_}, {mean, slope}}, [=, n = n_, rows = rows_, count = count_, mask = mask_] {
      const double counted = counted_of(mask, rows);
      for (std::size_t j = 0; j < n; ++j) {
        mean[j] = Real(total(plain, count, n, j) / counted);
        slope[j] = Real(total(along, count, n, j) / counted);
      }
    });
    s.gamma = nullptr;
    schedule_.each_row(rows_, n_, {{dx.at, xhat.at, mean, slope, s.inverse}, {dxhat.at}},
                       [=, n = n_, slopes = column_loops<Real>().batch_slopes](std::size_t first, std::size_t count) {
                         const std::size_t at = first * n;
                         slopes(dx.at + at, xhat.at + at, mean, slope, s, count, n, dxhat.at + at);
                       });
  }

 private:
  /// take(sums over the batch, whether its moving statistics are to move), of `count` numbers at `own`; it writes
  /// `made`.
  template <class Take>
  void over_all(const double* own, std::size_t count, bool backward, std::vector<const void*> made, Take take) {
    if (!schedule_.in_shards) return schedule_.once({{own}, std::move(made)}, [=] { take(own, true); });
    ExternalCall<Real> call;
    call.exchange = std::make_shared<const Exchange>(Exchange{own, count, backward, take});
    schedule_.external(std::move(call));
  }

  /// Memory for n numbers, by its name.
  double* doubles(const std::string& name, std::size_t n) {
    constexpr std::size_t reals = sizeof(double) / sizeof(Real);
    return reinterpret_cast<double*>(call_.save(name, n * reals, reals).at);
  }

  static double total(const double* sums, std::size_t count, std::size_t n, std::size_t column) {
    double all = 0;
    for (std::size_t k = 0; k < count; ++k) all += sums[k * n + column];
    return all;
  }

  /// How many rows are of the batch; Keras's epsilon keeps the quotients of none at 0.
  static double counted_of(const Real* mask, std::size_t rows) {
    return mask ? double(rows - std::size_t(std::count(mask, mask + rows, Real(0)))) + 1e-7 : double(rows);
  }

  /// visit(first, count, whether they count) of rows [first, last) that are side by side and alike.
  template <class Visit> static void each_run(const Real* mask, std::size_t first, std::size_t last, Visit visit) {
    while (first < last) {
      std::size_t end = mask ? first + 1 : last;
      while (end < last && (mask[end] != 0) == (mask[first] != 0)) ++end;
      visit(first, end - first, !mask || mask[first] != 0);
      first = end;
    }
  }

  // x, times, mean, as BatchSums has them -> sums (block, n)
  void add_sums(const Real* x, const Real* times, const double* mean, const Real* mask, double* sums) {
    double* const parts = mask ? doubles("sums of runs", count_ * n_) : nullptr;
    const auto work = [=, n = n_, rows = rows_, of_some = column_loops<Real>().batch_sums](std::size_t first,
                                                                                           std::size_t count) {
      for (std::size_t k = first; k < first + count; ++k) {
        const std::size_t at = k * block, end = std::min(at + block, rows);
        if (!mask) {
          of_some(x + at * n, times ? times + at * n : nullptr, mean, end - at, n, sums + k * n);
          continue;
        }
        std::fill_n(sums + k * n, n, 0.0);
        each_run(mask, at, end, [&](std::size_t from, std::size_t many, bool counts) {
          if (!counts) return;
          of_some(x + from * n, times ? times + from * n : nullptr, mean, many, n, parts + k * n);
          for (std::size_t j = 0; j < n; ++j) sums[k * n + j] += parts[k * n + j];
        });
      }
    };
    schedule_.each_row(count_, block * n_, {{x, times, mean, mask}, {sums, parts}}, work);
  }

  Schedule<Real>& schedule_;
  Call<Real>& call_;
  const std::size_t rows_, n_, count_;
  const Real* const mask_;
};

}  // namespace gs
