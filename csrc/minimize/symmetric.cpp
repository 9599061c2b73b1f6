#include "minimize/symmetric.hpp"

#include <algorithm>
#include <cmath>

#include "minimize/sweeps.hpp"

namespace gs::minimize {
namespace {

constexpr std::size_t block_elements = 1 << 16;

std::size_t elements(std::size_t n) {
  const std::size_t groups = (n + lanes - 1) / lanes;
  return lanes * lanes * (groups * (groups + 1) / 2);
}

std::size_t blocks_of(std::size_t n) { return std::clamp<std::size_t>(elements(n) / block_elements, 1, 64); }

}  // namespace

Symmetric::Symmetric(std::size_t n)
    : n(n),
      triangle_(elements(n)),
      column_(n),
      partial_(blocks_of(n) > 1 ? blocks_of(n) * column_.size() : 0),
      groups_((n + lanes - 1) / lanes),
      blocks_(blocks_of(n)),
      below_(triangle_.make()),
      diagonal_(column_.make()),
      parts_(partial_.make()) {
  set_identity();
}

std::size_t Symmetric::first_group(std::size_t block) const {
  return std::size_t(std::lround(double(groups_) * std::sqrt(double(block) / double(blocks_))));
}

void Symmetric::set_identity() {
  std::fill_n(below_.data(), triangle_.size(), 0.0);
  std::fill_n(diagonal_.data(), n, 1.0);
}

void Symmetric::scale(double factor) {
  for (std::size_t i = 0; i < triangle_.size(); ++i) below_[i] *= factor;
  for (std::size_t i = 0; i < n; ++i) diagonal_[i] *= factor;
}

double Symmetric::multiply(const Vector& x, double scale, const Vector& w, const Vector& y) const {
  const std::size_t size = column_.size();
  const double *const a = below_.data(), *const px = x.data(), *const d = diagonal_.data();
  // Rows from `first` to `last` and the columns that mirror them, of their product with x.
  const auto rows = [=](std::size_t first, std::size_t last, double* out) {
    for (std::size_t i = first; i < last; i += 2) {
      const std::size_t count = length(i);
      const double *const row = a + begin(i), *const next = row + count;
      const double xi = px[i], xj = px[i + 1];
      Lanes sum{}, sum_next{};
      for (std::size_t j = 0; j < count; j += lanes) {
        const Lanes here = at(row, j), there = at(next, j), v = at(px, j);
        sum += here * v;
        sum_next += there * v;
        at(out, j) += xi * here + xj * there;
      }
      out[i] += sum_of(sum) + d[i] * xi;
      out[i + 1] += sum_of(sum_next) + d[i + 1] * xj;
    }
  };
  double* const py = y.data();
  std::fill_n(py, size, 0.0);
  if (blocks_ == 1) {
    rows(0, size, py);
  } else {
    double* const parts = parts_.data();
    ThreadTeam::run(threads_for(blocks_), [&](ThreadTeam& team) {
      team.stage(blocks_, [&](std::size_t block, int) {
        std::fill_n(parts + block * size, size, 0.0);
        rows(first_group(block) * lanes, first_group(block + 1) * lanes, parts + block * size);
      });
    });
    for (std::size_t block = 0; block < blocks_; ++block)
      for (std::size_t i = 0; i < size; i += lanes) at(py, i) += at(parts, block * size + i);
  }
  Lanes product{};
  for (std::size_t i = 0; i < size; i += lanes) {
    at(py, i) *= scale;
    product += at(w.data(), i) * at(py, i);
  }
  return sum_of(product);
}

void Symmetric::add(const Vector& s, const Vector& u) {
  double *const a = below_.data(), *const d = diagonal_.data();
  const double *const ps = s.data(), *const pu = u.data();
  const std::size_t n = this->n;
  const auto rows = [=](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      const std::size_t count = length(i);
      double* const row = a + begin(i);
      const double si = ps[i], ui = pu[i];
      for (std::size_t j = 0; j < count; j += lanes) at(row, j) += si * at(pu, j) + ui * at(ps, j);
      for (std::size_t j = i; j < count; ++j) row[j] = 0;
      d[i] += 2 * si * ui;
    }
  };
  if (blocks_ == 1) return rows(0, n);
  ThreadTeam::run(threads_for(blocks_), [&](ThreadTeam& team) {
    team.stage(blocks_, [&](std::size_t block, int) {
      rows(first_group(block) * lanes, std::min(n, first_group(block + 1) * lanes));
    });
  });
}

}  // namespace gs::minimize
