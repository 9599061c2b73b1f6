// Memory that lives as long as a schedule.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "graph/matrix.hpp"
#include "runtime/buffer.hpp"
#include "runtime/dispatch.hpp"

namespace gs {

template <class Real> class Workspaces {
 public:
  /// n numbers, zeros, that live as long as the schedule. Those of some size lie side by side, in huge pages: a pass
  /// goes over more memory than a core knows the small pages of. Each begins at another place of a page.
  Real* workspace(std::size_t n) {
    const std::size_t line = align<Real>(1), taken = align<Real>(n) + count_++ % 8 * line;
    if (n < some) return own(n);
    if (taken > left_) {
      left_ = std::max(taken, many);
      next_ = own(left_);
    }
    left_ -= taken;
    return std::exchange(next_, next_ + taken);
  }

  /// These numbers, where they live as long as the schedule.
  Real* constant(const std::vector<double>& numbers) {
    Real* const at = workspace(numbers.size());
    std::copy(numbers.begin(), numbers.end(), at);
    return at;
  }

  /// A matrix to be read; the pointers live as long as the schedule.
  Rows rows(Matrix<Real> matrix) {
    std::vector<const void*>& pointers = row_pointers_[{matrix.at, matrix.rows, matrix.columns}];
    if (pointers.empty())
      for (std::size_t i = 0; i < matrix.rows; ++i) pointers.push_back(matrix.at + i * matrix.columns);
    return {{pointers.data(), source_of<Real>}, matrix.at, matrix.rows, matrix.columns};
  }

  /// Rows [first, first + count) of x -> those of y
  static void read(const Rows& x, std::size_t first, std::size_t count, Matrix<Real> y) {
    IndirectionBuffer from = x.pointers;
    from.at += first;
    products<Real>().gather(from, count, y.columns, y.at + first * y.columns, y.columns);
  }

 private:
  Real* own(std::size_t n) {
    workspaces_.emplace_back(n);
    return workspaces_.back().data();
  }

  // Numbers from which on they lie side by side, and of which that many are taken at once; memory costs nothing before
  // it is written.
  static constexpr std::size_t some = (1 << 19) / sizeof(Real), many = (1 << 24) / sizeof(Real);

  std::map<std::tuple<const Real*, std::size_t, std::size_t>, std::vector<const void*>> row_pointers_;
  std::vector<Buffer<Real>> workspaces_;
  Real* next_ = nullptr;
  std::size_t left_ = 0, count_ = 0;  // numbers from next_ on; workspaces so far
};

}  // namespace gs
