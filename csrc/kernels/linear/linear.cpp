#include "kernels/linear/linear.hpp"

#include <type_traits>
#include <utility>

#include "core/math.hpp"
#include "kernels/simd.hpp"

namespace gs {
namespace {

// A row is gone over in blocks of 128 bytes, then one of 64, one of 32, and single numbers, on every instruction set:
// so its sums have the same bits on all. They stay in registers: what is stored in parts cannot soon be loaded as a
// whole.
constexpr std::size_t line = 64;
constexpr int first_cache = 3;

/// `bytes` of numbers in vectors of the instruction set.
template <class Real, int bytes> struct Block {
  static constexpr int each = bytes < vector_bytes ? bytes : vector_bytes;
  static constexpr int count = bytes / each, lanes = each / int(sizeof(Real));
  using Vector = typename Simd<Real, each>::Vector;
};

// Half of a vector, from its number `first` on.
template <int first, class Vector, int... k> HD auto half_of(Vector v, std::integer_sequence<int, k...>) {
  using Real = std::decay_t<decltype(v[0])>;
  return typename Simd<Real, int(sizeof(Vector)) / 2>::Vector{v[first + k]...};
}

/// A sum along a row.
template <class Real> struct Total {
  typename Block<Real, 128>::Vector wide[Block<Real, 128>::count] = {};
  typename Block<Real, 32>::Vector quarter[Block<Real, 32>::count] = {};
  Real single = 0;

  /// Where the k-th vector of a block of so many bytes is added; 0: of one number.
  template <int bytes> HD auto& at(int k) {
    if constexpr (bytes == 0)
      return single;
    else if constexpr (bytes == 32)
      return quarter[k];
    else
      return wide[k];
  }

  HD double value() const {
    constexpr int count = Block<Real, 128>::count, lanes = 32 / int(sizeof(Real));
    auto half = wide[0];
    typename Block<Real, 32>::Vector sum[Block<Real, 32>::count];
    if constexpr (vector_bytes == 64) {
      constexpr auto places = std::make_integer_sequence<int, lanes>();
      half += wide[1];
      sum[0] = quarter[0] + (half_of<0>(half, places) + half_of<lanes>(half, places));
    } else {
      constexpr int of_quarter = count / 4;
      for (int k = 0; k < of_quarter; ++k)
        sum[k] =
            quarter[k] + ((wide[k] + wide[k + 2 * of_quarter]) + (wide[k + of_quarter] + wide[k + 3 * of_quarter]));
    }
    Real parts[lanes];
    constexpr int each = Block<Real, 32>::lanes;
    for (int l = 0; l < lanes; ++l) parts[l] = sum[l / each][l % each];
    for (int n = lanes / 2; n > 0; n /= 2)
      for (int l = 0; l < n; ++l) parts[l] += parts[l + n];
    return double(parts[0] + single);
  }
};

/// A vector of a block at `p`, or one number.
template <class Real, int bytes> HD auto get(const Real* p) {
  if constexpr (bytes == 0)
    return *p;
  else
    return load<Real, Block<Real, bytes>::each>(p);
}
template <class Real, int bytes, class Value> HD void put(Real* p, const Value& value) {
  if constexpr (bytes == 0)
    *p = value;
  else
    store<Block<Real, bytes>::each>(p, value);
}

/// work(j, k, bytes): what to do with the k-th vector of a block, or with one number, from the j-th on.
template <class Real, class Work> HD void in_blocks(std::size_t n, Work work) {
  std::size_t j = 0;
  const auto block = [&](auto bytes) INLINED {
    using B = Block<Real, decltype(bytes)::value>;
#pragma GCC unroll 8
    for (int k = 0; k < B::count; ++k) work(j + std::size_t(k * B::lanes), k, bytes);
    j += decltype(bytes)::value / sizeof(Real);
  };
  while (j + 128 / sizeof(Real) <= n) block(std::integral_constant<int, 128>());
  if (j + 64 / sizeof(Real) <= n) block(std::integral_constant<int, 64>());
  if (j + 32 / sizeof(Real) <= n) block(std::integral_constant<int, 32>());
  for (; j < n; ++j) work(j, 0, std::integral_constant<int, 0>());
}

template <class Real> double dot(const Real* w, const Real* x, std::size_t n) {
  Total<Real> sum;
  in_blocks<Real>(n, [&](std::size_t j, int k, auto bytes) INLINED {
    constexpr int size = decltype(bytes)::value;
    sum.template at<size>(k) += get<Real, size>(w + j) * get<Real, size>(x + j);
  });
  return sum.value();
}

// -1 or 1 of each number: without branches, for signs come as they like.
template <class Value> HD Value side_of(Value w) {
  if constexpr (std::is_arithmetic_v<Value>)
    return with_sign(Value(1), w);
  else
    return w < 0 ? Value{} - 1 : Value{} + 1;
}

// Towards 0 by what is missing of the penalty, not beyond. w and received: numbers, or vectors of them.
template <class Value, class Real> HD Value truncate(Value w, Real total, Value received) {
  const Value side = side_of(w), zero{}, left = side * w - (total + side * received);
  return w == zero ? zero : side * (zero > left ? zero : left) + zero;  // not -0
}

template <bool truncated, bool averaged, class Real> RowSums step_of(const DenseStep<Real>& s) {
  const Real shrink = Real(s.shrink), along = Real(s.along), total = Real(s.total), take = Real(s.take),
             of_change = Real(s.truncated);
  const Real *const x = s.x, *const next = s.next, *const ahead = s.ahead;
  Real *const w = s.w, *const q = s.q, *const average = s.average;
  Total<Real> sum, squares, magnitudes;
  in_blocks<Real>(s.n, [&](std::size_t j, int k, auto bytes) INLINED {
    constexpr int size = decltype(bytes)::value;
    if (size > 0 && k * Block < Real, size ? size : 32 > ::each % int(line) == 0)
      __builtin_prefetch(ahead + j, 0, first_cache);
    auto moved = shrink * get<Real, size>(w + j) + along * get<Real, size>(x + j);
    squares.template at<size>(k) += moved * moved;
    auto mean = moved;
    if constexpr (averaged) {
      mean = get<Real, size>(average + j);
      mean += take * (moved - mean);
    }
    if constexpr (truncated) {
      const auto received = get<Real, size>(q + j);
      magnitudes.template at<size>(k) += moved < 0 ? -moved : moved;
      const auto cut = truncate(moved, total, received);
      put<Real, size>(q + j, received + (cut - moved));
      if constexpr (averaged) mean += of_change * (cut - moved);
      moved = cut;
    }
    if constexpr (averaged) put<Real, size>(average + j, mean);
    put<Real, size>(w + j, moved);
    sum.template at<size>(k) += moved * get<Real, size>(next + j);
  });
  __builtin_prefetch(ahead + s.n - 1, 0, first_cache);
  return {sum.value(), squares.value(), truncated ? magnitudes.value() : 0};
}

template <class Real> RowSums step(const DenseStep<Real>& s) {
  return s.q         ? s.average ? step_of<true, true>(s) : step_of<true, false>(s)
         : s.average ? step_of<false, true>(s)
                     : step_of<false, false>(s);
}

// Other threads may write into a matrix while it is read: a column is compared where it is used.
template <class Real> bool sparse_dot(const SparseRow<Real>& x, const Real* w, double& sum) {
  double parts[4] = {};
  std::size_t k = 0;
  for (; k + 4 <= x.n; k += 4)
#pragma GCC unroll 4
    for (std::size_t l = 0; l < 4; ++l) {
      const auto column = std::uint32_t(x.columns[k + l]);
      if (column >= x.width) return false;
      parts[l] += double(w[column]) * double(x.values[k + l]);
    }
  for (; k < x.n; ++k) {
    const auto column = std::uint32_t(x.columns[k]);
    if (column >= x.width) return false;
    parts[0] += double(w[column]) * double(x.values[k]);
  }
  sum = (parts[0] + parts[1]) + (parts[2] + parts[3]);
  return true;
}

template <class Real> bool sparse_add(const SparseRow<Real>& x, Real along, Real* w, RowSums& reached) {
  double squares[4] = {}, magnitudes[4] = {};
  const auto move = [&](std::size_t k, std::size_t l) INLINED {
    const auto column = std::uint32_t(x.columns[k]);
    if (column >= x.width) return false;
    const Real moved = w[column] + x.values[k] * along;
    w[column] = moved;
    squares[l] += double(moved) * double(moved);
    magnitudes[l] += magnitude(double(moved));
    return true;
  };
  std::size_t k = 0;
  for (; k + 4 <= x.n; k += 4)
#pragma GCC unroll 4
    for (std::size_t l = 0; l < 4; ++l)
      if (!move(k + l, l)) return false;
  for (; k < x.n; ++k)
    if (!move(k, 0)) return false;
  reached = {0, (squares[0] + squares[1]) + (squares[2] + squares[3]),
             (magnitudes[0] + magnitudes[1]) + (magnitudes[2] + magnitudes[3])};
  return true;
}

template <class Real> bool sparse_truncate(const SparseRow<Real>& x, double total, double scale, Real* w, Real* q) {
  const double unscaled = 1 / scale;
  for (std::size_t k = 0; k < x.n; ++k) {
    const auto column = std::uint32_t(x.columns[k]);
    if (column >= x.width) return false;
    const double before = double(w[column]) * scale;
    const double cut = truncate(before, total, double(q[column]));
    w[column] = Real(cut * unscaled);
    q[column] += Real(cut - before);
  }
  return true;
}

template <class Real>
constexpr LinearLoops<Real> loops{dot<Real>, step<Real>, sparse_dot<Real>, sparse_add<Real>, sparse_truncate<Real>};
constexpr LinearTable table{loops<float>, loops<double>};

}  // namespace

template <> const LinearTable& linear_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
