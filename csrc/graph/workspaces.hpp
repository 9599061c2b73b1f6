// Memory that lives as long as a schedule.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <tuple>
#include <vector>

#include "graph/matrix.hpp"
#include "runtime/buffer.hpp"

namespace gs {

template <class Real> class Workspaces {
 public:
  /// n numbers, zeros, that live as long as the schedule.
  Real* workspace(std::size_t n) {
    workspaces_.emplace_back(n);
    return workspaces_.back().data();
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

 private:
  std::map<std::tuple<const Real*, std::size_t, std::size_t>, std::vector<const void*>> row_pointers_;
  std::vector<Buffer<Real>> workspaces_;
};

}  // namespace gs
