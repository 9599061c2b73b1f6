#include "kernels/minimize/symmetric.hpp"

#include <cstdint>

#include "kernels/minimize/lanes.hpp"

namespace gs {
namespace {

typedef std::int64_t Masks __attribute__((vector_size(sizeof(Lanes)), aligned(8), may_alias));

/// Of row r of a group: all bits where the group's own columns are before the diagonal.
HD Masks before_diagonal(std::size_t r) {
  static constexpr std::int64_t window[2 * vector_lanes] = {-1, -1, -1, -1, -1, -1, -1, -1};
  return *reinterpret_cast<const Masks*>(window + vector_lanes - r);
}
HD Lanes masked(const Lanes& v, const Masks& keep) { return Lanes(Masks(v) & keep); }

/// A += s u' + u s' where `updates`; then y[k] += A x[k] for k < count.
template <bool updates, int count>
HD void sweep(const TriangleRows& rows, const double* s, const double* u, const double* const* x, double* const* y) {
  for (std::size_t first = rows.first; first < rows.last; first += vector_lanes) {
    if (updates) at(rows.diagonal, first) += 2 * at(s, first) * at(u, first);
    alignas(64) double own[count > 0 ? count : 1][vector_lanes];
    for (std::size_t r = 0; r < vector_lanes; r += 2) {
      const std::size_t i = first + r, length = triangle_length(i);
      double *const row = rows.below + triangle_begin(i), *const next = row + length;
      const double si = updates ? s[i] : 0, sj = updates ? s[i + 1] : 0;
      const double ui = updates ? u[i] : 0, uj = updates ? u[i + 1] : 0;
      Lanes sum[count > 0 ? count : 1]{}, sum_next[count > 0 ? count : 1]{};
      double xi[count > 0 ? count : 1], xj[count > 0 ? count : 1];
      for (int k = 0; k < count; ++k) {
        xi[k] = x[k][i];
        xj[k] = x[k][i + 1];
      }
      const auto eight = [&](std::size_t j, auto keep) INLINED {
        Lanes here = at(row, j), there = at(next, j);
        if (updates) {
          const Lanes along = at(s, j), turned = at(u, j);
          here = keep(here + (si * turned + ui * along), 0);
          there = keep(there + (sj * turned + uj * along), 1);
          at(row, j) = here;
          at(next, j) = there;
        }
#pragma GCC unroll 2
        for (int k = 0; k < count; ++k) {
          const Lanes v = at(x[k], j);
          sum[k] += here * v;
          sum_next[k] += there * v;
          at(y[k], j) += xi[k] * here + xj[k] * there;
        }
      };
      for (std::size_t j = 0; j < first; j += vector_lanes)
        eight(j, [](const Lanes& v, std::size_t) INLINED { return v; });
      eight(first, [&](const Lanes& v, std::size_t k) INLINED { return masked(v, before_diagonal(r + k)); });
#pragma GCC unroll 2
      for (int k = 0; k < count; ++k) *reinterpret_cast<Two*>(own[k] + r) = sums_of(sum[k], sum_next[k]);
    }
#pragma GCC unroll 2
    for (int k = 0; k < count; ++k) at(y[k], first) += at(own[k], 0) + at(rows.diagonal, first) * at(x[k], first);
  }
}

void update(const TriangleRows& rows, const double* s, const double* u) {
  sweep<true, 0>(rows, s, u, nullptr, nullptr);
}

void multiply(const TriangleRows& rows, const double* x, double* y) { sweep<false, 1>(rows, nullptr, nullptr, &x, &y); }

void update_and_multiply(const TriangleRows& rows, const double* s, const double* u, const double* const x[2],
                         double* const y[2]) {
  if (s)
    sweep<true, 2>(rows, s, u, x, y);
  else
    sweep<false, 2>(rows, s, u, x, y);
}

constexpr SymmetricTable table{update, multiply, update_and_multiply};

}  // namespace

template <> const SymmetricTable& symmetric_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
