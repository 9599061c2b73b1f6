// The damped inverse of one of a layer's Kronecker factors.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "runtime/products/cholesky.hpp"

namespace gs {

template <class Real> class DampedInverse {
 public:
  /// factor (n, n), symmetric; inverse: where it is left; threads: of the largest team.
  DampedInverse(const Real* factor, Real* inverse, std::size_t n, int threads)
      : factor_(factor), inverse_(inverse), n_(n), cholesky_(n, threads, true) {}

  double mean_of_diagonal() const {
    double sum = 0;
    for (std::size_t i = 0; i < n_; ++i) sum += double(factor_[i * n_ + i]);
    return sum / double(n_);
  }

  /// The inverse of the factor plus damping on its diagonal. Where rounding leaves that without a positive pivot, more
  /// is added.
  void run(ThreadTeam& team) {
    const double mean = mean_of_diagonal();
    const bool finite = std::isfinite(mean) && std::isfinite(damping);
    double more = damping;
    for (int tries = 0; finite && tries < 40; ++tries, more = std::max(10 * more, mean * 1e-7))
      if (cholesky_.factor(factor_, Real(more), inverse_, team) == n_) return cholesky_.invert(inverse_, team);
    std::fill_n(inverse_, n_ * n_, std::numeric_limits<Real>::quiet_NaN());
  }

  /// Whether it is worth no more than one thread.
  bool is_small() const { return n_ <= 320; }
  int threads() const { return cholesky_.threads(); }

  double damping = 0;

 private:
  const Real* const factor_;
  Real* const inverse_;
  const std::size_t n_;
  Cholesky<Real> cholesky_;
};

}  // namespace gs
