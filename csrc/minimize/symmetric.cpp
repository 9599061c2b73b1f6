#include "minimize/symmetric.hpp"

#include <algorithm>
#include <cmath>

#include "minimize/sweeps.hpp"

namespace gs::minimize {
namespace {

constexpr std::size_t block_elements = 1 << 16;
constexpr int most_products = 2;

std::size_t elements(std::size_t n) { return triangle_begin(align<double>(n)); }

std::size_t blocks_of(std::size_t n) { return std::clamp<std::size_t>(elements(n) / block_elements, 1, 64); }

}  // namespace

Symmetric::Symmetric(std::size_t n)
    : n(n),
      triangle_(elements(n)),
      column_(n),
      partial_(blocks_of(n) > 1 ? most_products * blocks_of(n) * column_.size() : 0),
      groups_(column_.size() / vector_lanes),
      blocks_(blocks_of(n)),
      below_(triangle_.make()),
      diagonal_(column_.make()),
      parts_(partial_.make()) {
  set_identity();
}

std::size_t Symmetric::first_row(std::size_t block) const {
  return vector_lanes * std::size_t(std::lround(double(groups_) * std::sqrt(double(block) / double(blocks_))));
}

void Symmetric::set_identity() {
  s_ = u_ = {};
  std::fill_n(below_.data(), triangle_.size(), 0.0);
  std::fill_n(diagonal_.data(), n, 1.0);
}

void Symmetric::scale(double factor) {
  settle();
  for (std::size_t i = 0; i < triangle_.size(); ++i) below_[i] *= factor;
  for (std::size_t i = 0; i < n; ++i) diagonal_[i] *= factor;
}

template <class Work> void Symmetric::each_block(const Work& work) {
  if (blocks_ == 1) return work({below_.data(), diagonal_.data(), 0, column_.size()}, 0);
  ThreadTeam::run(threads_for(blocks_), [&](ThreadTeam& team) {
    team.stage(blocks_, [&](std::size_t block, int) {
      work({below_.data(), diagonal_.data(), first_row(block), first_row(block + 1)}, block);
    });
  });
}

template <class Work> void Symmetric::sum_blocks(int count, const Vector* const* y, const Work& work) {
  const std::size_t size = column_.size();
  each_block([&](const TriangleRows& rows, std::size_t block) {
    double* to[most_products];
    for (int k = 0; k < count; ++k) {
      to[k] = blocks_ == 1 ? y[k]->data() : parts_.data() + (most_products * block + std::size_t(k)) * size;
      std::fill_n(to[k], size, 0.0);
    }
    work(rows, to);
  });
  if (blocks_ == 1) return;
  for (int k = 0; k < count; ++k) {
    double* const sum = y[k]->data();
    std::fill_n(sum, size, 0.0);
    for (std::size_t block = 0; block < blocks_; ++block) {
      const double* const part = parts_.data() + (most_products * block + std::size_t(k)) * size;
      for (std::size_t i = 0; i < size; ++i) sum[i] += part[i];
    }
  }
}

double Symmetric::multiply(const Vector& x, double scale, const Vector& w, const Vector& y) {
  settle();
  const Vector* const to[] = {&y};
  sum_blocks(1, to, [&](const TriangleRows& rows, double* const* out) {
    minimize_kernels().symmetric.multiply(rows, x.data(), out[0]);
  });
  return add_and_dot(y, 0, y, scale, w, y, column_.size());
}

void Symmetric::multiply(const Vector& x1, const Vector& x2, const Vector& y1, const Vector& y2) {
  const double* const from[] = {x1.data(), x2.data()};
  const Vector* const to[] = {&y1, &y2};
  const double *const s = s_ ? s_.data() : nullptr, *const u = u_ ? u_.data() : nullptr;
  sum_blocks(2, to, [&](const TriangleRows& rows, double* const* out) {
    minimize_kernels().symmetric.update_and_multiply(rows, s, u, from, out);
  });
  s_ = u_ = {};
}

void Symmetric::add(const Vector& s, const Vector& u) {
  settle();
  s_ = s;
  u_ = u;
}

void Symmetric::settle() {
  if (!s_) return;
  each_block(
      [&](const TriangleRows& rows, std::size_t) { minimize_kernels().symmetric.update(rows, s_.data(), u_.data()); });
  s_ = u_ = {};
}

}  // namespace gs::minimize
