// Accuracies over rows; sums over columns.
#include "kernels/layers/reduce.hpp"

#include "kernels/layers/target_rows.hpp"
#include "kernels/simd.hpp"

namespace gs {
namespace {

template <class Accuracy, class Real>
void accuracy_rows(const void* const* targets, const void* outputs, std::size_t rows, std::size_t n, double* values) {
  const Real* y = static_cast<const Real*>(outputs);
  const TargetRows<Accuracy::labels, Real> t{targets};
  for (std::size_t i = 0; i < rows; ++i) values[i] = Accuracy::Score::row(t(i), y + i * n, n);
}

/// The sums of `count` columns, which stay in registers, one or several vectors -> to; or added to what is there.
template <std::size_t count, class Real>
HD void few_sums(const Real* x, std::size_t ld, std::size_t rows, bool adds, Real* RESTRICT to) {
  constexpr int bytes = count * sizeof(Real) < vector_bytes ? int(count * sizeof(Real)) : vector_bytes;
  constexpr std::size_t lanes = Simd<Real, bytes>::lanes, vectors = count / lanes;
  typename Simd<Real, bytes>::Vector sums[vectors] = {};
#pragma GCC unroll 4
  for (std::size_t j = 0; adds && j < vectors; ++j) sums[j] = load<Real, bytes>(to + j * lanes);
  for (std::size_t i = 0; i < rows; ++i, x += ld)
#pragma GCC unroll 4
    for (std::size_t j = 0; j < vectors; ++j) sums[j] += load<Real, bytes>(x + j * lanes);
#pragma GCC unroll 4
  for (std::size_t j = 0; j < vectors; ++j) store<bytes>(to + j * lanes, sums[j]);
}

/// Of fewer than 2 count columns.
template <std::size_t count, class Real>
HD void last_sums(const Real* x, std::size_t ld, std::size_t rows, std::size_t columns, bool adds, Real* RESTRICT to) {
  const std::size_t done = columns & count;
  if (done) few_sums<count>(x, ld, rows, adds, to);
  if constexpr (count > 1) last_sums<count / 2>(x + done, ld, rows, columns - done, adds, to + done);
}

template <class Real>
void column_sums(const void* from, std::size_t ld, std::size_t rows, std::size_t columns, void* to) {
  constexpr std::size_t most = 4 * Simd<Real>::lanes;
  const Real* const x = static_cast<const Real*>(from);
  Real* RESTRICT const sums = static_cast<Real*>(to);
  // Many long rows a few at a time, which are then read along: down all of them each step would be to another page.
  const std::size_t block = rows <= 32 || columns < 2 * most ? rows : 8;
  std::size_t i = 0;
  do {
    const std::size_t count = rows - i < block ? rows - i : block;
    std::size_t j = 0;
    for (; j + most <= columns; j += most) few_sums<most>(x + i * ld + j, ld, count, i > 0, sums + j);
    last_sums<most / 2>(x + i * ld + j, ld, count, columns - j, i > 0, sums + j);
    i += count;
  } while (i < rows);
}

template <class... List> constexpr ReduceTable table_of(TypeList<List...>) {
  return {{{accuracy_rows<List, float>, accuracy_rows<List, double>}...}, {column_sums<float>, column_sums<double>}};
}

constexpr ReduceTable table = table_of(Accuracies{});

}  // namespace

template <> const ReduceTable& reduce_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
