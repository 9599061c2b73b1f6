#include "kernels/linear/linear.hpp"

#include <algorithm>
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

/// Whether the k-th vector of a block of so many bytes begins a cache line; 0: of one number.
template <class Real, int bytes> HD constexpr bool begins_line(int k) {
  constexpr int each = Block<Real, std::max(bytes, 32)>::each;
  return bytes > 0 && k * each % int(line) == 0;
}

// Half of a vector, from its number `first` on.
template <int first, class Vector, int... k> HD auto half_of(Vector v, std::integer_sequence<int, k...>) {
  using Real = std::decay_t<decltype(v[0])>;
  return typename Simd<Real, int(sizeof(Vector)) / 2>::Vector{v[first + k]...};
}

/// The sum of a vector: its halves are added until one number is left.
template <class Vector> HD auto folded(Vector v) {
  constexpr int lanes = int(sizeof(Vector) / sizeof(v[0]));
  if constexpr (lanes == 2) {
    return v[0] + v[1];
  } else {
    constexpr auto places = std::make_integer_sequence<int, lanes / 2>();
    return folded(half_of<0>(v, places) + half_of<lanes / 2>(v, places));
  }
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
    constexpr int count = Block<Real, 128>::count;
    auto half = wide[0];
    typename Block<Real, 32>::Vector sum[Block<Real, 32>::count];
    if constexpr (vector_bytes == 64) {
      constexpr int lanes = 32 / int(sizeof(Real));
      constexpr auto places = std::make_integer_sequence<int, lanes>();
      half += wide[1];
      sum[0] = quarter[0] + (half_of<0>(half, places) + half_of<lanes>(half, places));
    } else {
      constexpr int of_quarter = count / 4;
      for (int k = 0; k < of_quarter; ++k)
        sum[k] =
            quarter[k] + ((wide[k] + wide[k + 2 * of_quarter]) + (wide[k + of_quarter] + wide[k + 3 * of_quarter]));
    }
    auto all = sum[0];
    if constexpr (Block<Real, 32>::count == 2) all += sum[1];
    return double(folded(all) + single);
  }
};

/// A vector of a block at `p`, or one number.
template <class Real, int bytes> HD auto get(const Real* p) {
  if constexpr (bytes == 0)
    return *p;
  else
    return load<Real, Block<Real, bytes>::each>(p);
}
template <class Vector, class Half, int... k> HD Vector joined(Half low, Half high, std::integer_sequence<int, k...>) {
  return Vector{low[k]..., high[k]...};
}

/// The same of a row, which may begin anywhere: vectors of 64 bytes by halves, of which only every second one lies
/// across two cache lines, where all of the whole ones do.
template <class Real, int bytes> HD auto get_row(const Real* p) {
  if constexpr (bytes >= 64 && vector_bytes == 64) {
    constexpr int lanes = 32 / int(sizeof(Real));
    auto low = load<Real, 32>(p), high = load<Real, 32>(p + lanes);
    asm("" : "+x"(low), "+x"(high));  // or they are loaded as one
    return joined<typename Block<Real, bytes>::Vector>(low, high, std::make_integer_sequence<int, lanes>());
  } else {
    return get<Real, bytes>(p);
  }
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

template <class Real> void add(const Real* x, double along, Real* w, std::size_t n) {
  const Real by = Real(along);
  in_blocks<Real>(n, [&](std::size_t j, int, auto bytes) INLINED {
    constexpr int size = decltype(bytes)::value;
    put<Real, size>(w + j, get<Real, size>(w + j) + by * get<Real, size>(x + j));
  });
}

// What a weight, or a vector of them, loses to l1: all of it within what is missing of the penalty in its direction,
// beyond that what is missing. NaN of NaN.
template <class Value, class Real> HD Value lost(Value w, Real total, Value received) {
  const Value low = received - total, high = received + total, above = low > w ? low : w;
  return high < above ? high : above;
}

template <bool truncated, bool averaged, bool counts, class Real>
double step_of(const DenseStep<Real>& s, double given, Norms& norms) {
  const Real shrink = Real(s.shrink), along = Real(given), total = Real(s.total), take = Real(s.take),
             of_change = Real(s.truncated);
  const Real *const x = s.x, *const next = s.next, *const ahead = s.ahead;
  Real *const w = s.w, *const q = s.q, *const average = s.average;
  Total<Real> sum, squares, magnitudes;
  in_blocks<Real>(s.n, [&](std::size_t j, int k, auto bytes) INLINED {
    constexpr int size = decltype(bytes)::value;
    if (begins_line<Real, size>(k)) __builtin_prefetch(ahead + j, 0, first_cache);
    auto moved = shrink * get<Real, size>(w + j) + along * get<Real, size>(x + j);
    if constexpr (counts) squares.template at<size>(k) += moved * moved;
    auto mean = moved;
    if constexpr (averaged) {
      mean = get<Real, size>(average + j);
      mean += take * (moved - mean);
    }
    if constexpr (truncated) {
      const auto received = get<Real, size>(q + j), cut = lost(moved, total, received);
      if constexpr (counts) magnitudes.template at<size>(k) += moved < 0 ? -moved : moved;
      put<Real, size>(q + j, received - cut);
      if constexpr (averaged) mean -= of_change * cut;
      moved -= cut;
    }
    if constexpr (averaged) put<Real, size>(average + j, mean);
    put<Real, size>(w + j, moved);
    sum.template at<size>(k) += moved * get<Real, size>(next + j);
  });
  __builtin_prefetch(ahead + s.n - 1, 0, first_cache);
  if constexpr (counts) norms = {squares.value(), truncated ? magnitudes.value() : 0};
  return sum.value();
}

template <class Real> double step(const DenseStep<Real>& s, double along, Norms& norms) {
  if (!s.q)
    return s.average ? step_of<false, true, true>(s, along, norms) : step_of<false, false, true>(s, along, norms);
  return s.average  ? step_of<true, true, true>(s, along, norms)
         : s.counts ? step_of<true, false, true>(s, along, norms)
                    : step_of<true, false, false>(s, along, norms);
}

template <bool counts, class Real>
TwoSums two_steps_of(const TwoSteps<Real>& s, double one, double other, PairSums& found) {
  const Real shrink[] = {Real(s.shrink[0]), Real(s.shrink[1])}, along[] = {Real(one), Real(other)};
  const Real *const x0 = s.x[0], *const x1 = s.x[1], *const next0 = s.next[0], *const next1 = s.next[1];
  const Real *const ahead0 = s.ahead[0], *const ahead1 = s.ahead[1];
  Real* const w = s.w;
  Total<Real> sum0, sum1, across, squares0, squares1;
  in_blocks<Real>(s.n, [&](std::size_t j, int k, auto bytes) INLINED {
    constexpr int size = decltype(bytes)::value;
    if (begins_line<Real, size>(k)) {
      __builtin_prefetch(ahead0 + j, 0, first_cache);
      __builtin_prefetch(ahead1 + j, 0, first_cache);
    }
    const auto first = shrink[0] * get<Real, size>(w + j) + along[0] * get_row<Real, size>(x0 + j);
    const auto second = shrink[1] * first + along[1] * get_row<Real, size>(x1 + j);
    put<Real, size>(w + j, second);
    if constexpr (counts) {
      squares0.template at<size>(k) += first * first;
      squares1.template at<size>(k) += second * second;
    }
    const auto row0 = get_row<Real, size>(next0 + j), row1 = get_row<Real, size>(next1 + j);
    sum0.template at<size>(k) += second * row0;
    sum1.template at<size>(k) += second * row1;
    across.template at<size>(k) += row0 * row1;
  });
  __builtin_prefetch(ahead0 + s.n - 1, 0, first_cache);
  __builtin_prefetch(ahead1 + s.n - 1, 0, first_cache);
  found.across = across.value();
  if constexpr (counts) {
    found.squares[0] = squares0.value();
    found.squares[1] = squares1.value();
  }
  double first = sum0.value();
  asm("" : "+x"(first));  // or both are found in one vector, which is taken apart by way of memory
  return {first, sum1.value()};
}

// Averages are rare: in passes that there are anyway.
template <class Real> TwoSums averaged_steps(const TwoSteps<Real>& s, double first, double second, PairSums& found) {
  const auto step = [&](int k, const Real* next, double along) {
    Norms norms;
    const double sum = step_of<false, true, true>(
        DenseStep<Real>{s.n, s.x[k], next, s.ahead[k], s.w, nullptr, s.average, s.shrink[k], 0, s.take[k], 0, true},
        along, norms);
    found.squares[k] = norms.squares;
    return sum;
  };
  step(0, s.x[1], first);
  const double sum = step(1, s.next[0], second);
  found.across = dot(s.next[0], s.next[1], s.n);
  return {sum, dot(s.w, s.next[1], s.n)};
}

template <class Real> TwoSums two_steps(const TwoSteps<Real>& s, double first, double second, PairSums& found) {
  return s.average  ? averaged_steps(s, first, second, found)
         : s.counts ? two_steps_of<true>(s, first, second, found)
                    : two_steps_of<false>(s, first, second, found);
}

// Other threads may write into a matrix while it is read: a column is compared where it is used.
template <class Real> double sparse_dot(const SparseRow<Real>& x, const Real* w, bool& good) {
  double parts[4] = {};
  good = false;
  std::size_t k = 0;
  for (; k + 4 <= x.n; k += 4)
#pragma GCC unroll 4
    for (std::size_t l = 0; l < 4; ++l) {
      const auto column = std::uint32_t(x.columns[k + l]);
      if (column >= x.width) return 0;
      parts[l] += double(w[column]) * double(x.values[k + l]);
    }
  for (; k < x.n; ++k) {
    const auto column = std::uint32_t(x.columns[k]);
    if (column >= x.width) return 0;
    parts[0] += double(w[column]) * double(x.values[k]);
  }
  good = true;
  return (parts[0] + parts[1]) + (parts[2] + parts[3]);
}

template <bool counts, class Real>
HD bool add_to_columns(const SparseRow<Real>& x, Real along, Real* w, Norms* reached) {
  double squares[4] = {}, magnitudes[4] = {};
  const auto move = [&](std::size_t k, std::size_t l) INLINED {
    const auto column = std::uint32_t(x.columns[k]);
    if (column >= x.width) return false;
    const Real moved = w[column] + x.values[k] * along;
    w[column] = moved;
    if constexpr (counts) {
      squares[l] += double(moved) * double(moved);
      magnitudes[l] += magnitude(double(moved));
    }
    return true;
  };
  std::size_t k = 0;
  for (; k + 4 <= x.n; k += 4)
#pragma GCC unroll 4
    for (std::size_t l = 0; l < 4; ++l)
      if (!move(k + l, l)) return false;
  for (; k < x.n; ++k)
    if (!move(k, 0)) return false;
  if constexpr (counts)
    *reached = {(squares[0] + squares[1]) + (squares[2] + squares[3]),
                (magnitudes[0] + magnitudes[1]) + (magnitudes[2] + magnitudes[3])};
  return true;
}

template <class Real> bool sparse_add(const SparseRow<Real>& x, Real along, Real* w, Norms* reached) {
  return reached ? add_to_columns<true>(x, along, w, reached) : add_to_columns<false>(x, along, w, reached);
}

template <class Real> bool sparse_truncate(const SparseRow<Real>& x, double total, double scale, Real* w, Real* q) {
  const double unscaled = 1 / scale;
  for (std::size_t k = 0; k < x.n; ++k) {
    const auto column = std::uint32_t(x.columns[k]);
    if (column >= x.width) return false;
    const double before = double(w[column]) * scale;
    const double cut = lost(before, total, double(q[column]));
    w[column] = Real((before - cut) * unscaled);
    q[column] -= Real(cut);
  }
  return true;
}

template <class Real>
constexpr LinearLoops<Real> loops{dot<Real>,        add<Real>,        step<Real>,           two_steps<Real>,
                                  sparse_dot<Real>, sparse_add<Real>, sparse_truncate<Real>};
constexpr LinearTable table{loops<float>, loops<double>};

}  // namespace

template <> const LinearTable& linear_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
