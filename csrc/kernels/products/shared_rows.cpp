// Eight columns at a time, of whichever models: as many sums as hide the latency of a multiply-add.
#include "kernels/products/shared_rows.hpp"

#include "core/portable.hpp"
#include "kernels/products/pack.hpp"
#include "kernels/simd.hpp"

namespace gs {
namespace {

constexpr int eight = 8;

/// Up to eight columns, counted over all models; where they are fewer, the first one stands for the rest.
struct Columns {
  std::size_t first, count;
  HD std::size_t operator[](int k) const { return first + (std::size_t(k) < count ? std::size_t(k) : 0); }
};

// Where in (models, rows, columns) the numbers of a column begin; they are `columns` apart.
template <class Real> HD std::size_t begin_of(const SharedRows<Real>& q, std::size_t rows, std::size_t column) {
  return column / q.columns * rows * q.columns + column % q.columns;
}

template <class Real, class Work> HD void each_columns(const SharedRows<Real>& q, const Work& work) {
  const std::size_t all = q.models * q.columns;
  for (std::size_t first = 0; first < all; first += eight)
    work.run(Columns{first, all - first < eight ? all - first : eight});
}

// A panel has rows as columns, (depth, lanes).
template <class Real> struct Multiply {
  const SharedRows<Real>& q;
  const Real* const* w;
  const Real* const* start;
  Real* z;
  const Real* panel;  // null: row by row
  std::size_t row, n_rows;

  __attribute__((noinline)) void run(const Columns& columns) const {
    const Real* from[eight];
    Real begins[eight];
    std::size_t to[eight];
    for (int k = 0; k < eight; ++k) {
      const std::size_t model = columns[k] / q.columns, j = columns[k] % q.columns;
      from[k] = w[model] + j;
      begins[k] = start ? start[model][j] : Real(0);
      to[k] = begin_of(q, q.rows, columns[k]);
    }
    if (panel)
      rows_at_once(from, begins, to);
    else
      for (std::size_t i = 0; i < q.rows; ++i) one_row(i, from, begins, to);
  }

 private:
  HD void rows_at_once(const Real* const* from, const Real* begins, const std::size_t* to) const {
    constexpr std::size_t lanes = Simd<Real>::lanes;
    typename Simd<Real>::Vector sum[eight] = {};
#pragma GCC unroll 8
    for (int k = 0; k < eight; ++k) sum[k] = begins[k] - sum[k];  // -0 stays -0
    for (std::size_t p = 0, at = 0; p < q.depth; ++p, at += q.columns) {
      const auto left = load(panel + p * lanes);
#pragma GCC unroll 8
      for (int k = 0; k < eight; ++k) sum[k] += left * from[k][at];
    }
    Real all[eight][lanes];
#pragma GCC unroll 8
    for (int k = 0; k < eight; ++k) store(all[k], sum[k]);
    for (int k = 0; k < eight; ++k) {
      Real* const here = z + to[k] + row * q.columns;
      for (std::size_t i = 0; i < n_rows; ++i) here[i * q.columns] = all[k][i];
    }
  }

  HD void one_row(std::size_t i, const Real* const* from, const Real* begins, const std::size_t* to) const {
    const Real* const x = static_cast<const Real*>(q.x[i]);
    Real sum[eight];
#pragma GCC unroll 8
    for (int k = 0; k < eight; ++k) sum[k] = begins[k];
    for (std::size_t p = 0, at = 0; p < q.depth; ++p, at += q.columns) {
      const Real left = x[p];
#pragma GCC unroll 8
      for (int k = 0; k < eight; ++k) sum[k] += left * from[k][at];
    }
#pragma GCC unroll 8
    for (int k = 0; k < eight; ++k) z[to[k] + i * q.columns] = sum[k];
  }
};

template <class Real>
void multiply(const SharedRows<Real>& q, const Real* const* w, const Real* const* start, Real* z, Real* scratch) {
  constexpr std::size_t lanes = Simd<Real>::lanes, few = 3;  // rows that are not worth a panel
  if (q.rows <= few) return each_columns(q, Multiply<Real>{q, w, start, z, nullptr, 0, 0});
  for (std::size_t row = 0; row < q.rows; row += lanes) {
    const std::size_t n_rows = q.rows - row < lanes ? q.rows - row : lanes;
    const void* at[lanes];
    for (std::size_t i = 0; i < lanes; ++i) at[i] = q.x[row + (i < n_rows ? i : 0)];
    pack_pointed_columns(at, 0, q.depth, scratch);
    each_columns(q, Multiply<Real>{q, w, start, z, scratch, row, n_rows});
  }
}

// Over rows [row, row + n_rows), numbers of the depth from p on: a vector of them, of which those from `first` on are
// stored, or one. Added to what dw holds, or, at the first row, to zeros.
template <class Real> struct Learn {
  const SharedRows<Real>& q;
  const Real* dz;
  Real* dw;
  std::size_t row, n_rows, p, first;
  bool is_vector;

  __attribute__((noinline)) void run(const Columns& columns) const {
    const Real* by[eight];
    Real* to[eight];
    for (int k = 0; k < eight; ++k) {
      by[k] = dz + begin_of(q, q.rows, columns[k]) + row * q.columns;
      to[k] = dw + begin_of(q, q.depth, columns[k]) + p * q.columns;
    }
    if (is_vector)
      vectors(by, to);
    else
      numbers(by, to);
  }

 private:
  HD void vectors(const Real* const* by, Real* const* to) const {
    constexpr std::size_t lanes = Simd<Real>::lanes;
    Real all[eight][lanes];
    if (row > 0)
      for (int k = 0; k < eight; ++k)
        for (std::size_t l = 0; l < lanes; ++l) all[k][l] = to[k][l * q.columns];
    typename Simd<Real>::Vector sum[eight] = {};
#pragma GCC unroll 8
    for (int k = 0; k < eight; ++k)
      if (row > 0) sum[k] = load(all[k]);
    for (std::size_t i = 0, at = 0; i < n_rows; ++i, at += q.columns) {
      const auto x = load(static_cast<const Real*>(q.x[row + i]) + p);
#pragma GCC unroll 8
      for (int k = 0; k < eight; ++k) sum[k] += x * by[k][at];
    }
    if (q.columns == 1 && first == 0) {
#pragma GCC unroll 8
      for (int k = 0; k < eight; ++k) store(to[k], sum[k]);
      return;
    }
#pragma GCC unroll 8
    for (int k = 0; k < eight; ++k) store(all[k], sum[k]);
    for (int k = 0; k < eight; ++k)
      for (std::size_t l = first; l < lanes; ++l) to[k][l * q.columns] = all[k][l];
  }

  HD void numbers(const Real* const* by, Real* const* to) const {
    Real sum[eight];
#pragma GCC unroll 8
    for (int k = 0; k < eight; ++k) sum[k] = row > 0 ? *to[k] : Real(0);
    for (std::size_t i = 0, at = 0; i < n_rows; ++i, at += q.columns) {
      const Real x = static_cast<const Real*>(q.x[row + i])[p];
#pragma GCC unroll 8
      for (int k = 0; k < eight; ++k) sum[k] += x * by[k][at];
    }
#pragma GCC unroll 8
    for (int k = 0; k < eight; ++k) *to[k] = sum[k];
  }
};

template <class Real> struct SumRows {
  const SharedRows<Real>& q;
  const Real* dz;
  Real* db;

  __attribute__((noinline)) void run(const Columns& columns) const {
    const Real* from[eight];
    Real sum[eight] = {};
    for (int k = 0; k < eight; ++k) from[k] = dz + begin_of(q, q.rows, columns[k]);
    for (std::size_t i = 0, at = 0; i < q.rows; ++i, at += q.columns)
#pragma GCC unroll 8
      for (int k = 0; k < eight; ++k) sum[k] += from[k][at];
#pragma GCC unroll 8
    for (int k = 0; k < eight; ++k) db[columns[k]] = sum[k];
  }
};

template <class Real> void gradients(const SharedRows<Real>& q, const Real* dz, Real* dw, Real* db) {
  constexpr std::size_t lanes = Simd<Real>::lanes, block = 256;  // rows, of which a column of vectors stays near
  const std::size_t whole = q.depth / lanes * lanes;
  for (std::size_t row = 0; row < q.rows; row += block) {
    const std::size_t n_rows = q.rows - row < block ? q.rows - row : block;
    // The last vector begins among those before it, which have not been written yet.
    if (whole > 0 && whole < q.depth)
      each_columns(q, Learn<Real>{q, dz, dw, row, n_rows, q.depth - lanes, lanes - (q.depth - whole), true});
    for (std::size_t p = 0; p < whole; p += lanes) each_columns(q, Learn<Real>{q, dz, dw, row, n_rows, p, 0, true});
    for (std::size_t p = 0; whole == 0 && p < q.depth; ++p)
      each_columns(q, Learn<Real>{q, dz, dw, row, n_rows, p, 0, false});
  }
  if (db) each_columns(q, SumRows<Real>{q, dz, db});
}

constexpr SharedRowsTable table{{multiply<float>, gradients<float>}, {multiply<double>, gradients<double>}};

}  // namespace

template <> const SharedRowsTable& shared_rows_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
