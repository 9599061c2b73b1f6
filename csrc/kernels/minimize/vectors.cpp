#include "kernels/minimize/vectors.hpp"

#include <cstdint>

#include "kernels/minimize/lanes.hpp"

namespace gs {
namespace {

// Comparisons are made in vectors of the width that registers have: their results do not depend on it.
typedef std::int64_t Bits __attribute__((vector_size(vector_bytes), may_alias));
typedef double Width __attribute__((vector_size(vector_bytes), may_alias));
constexpr std::size_t width = vector_bytes / sizeof(double);

/// The larger of two numbers so far apart.
template <std::size_t distance> HD Bits larger(const Bits& v) {
  const Bits other = moved<int(distance)>(v);
  return other > v ? other : v;
}

/// The largest magnitude so far. As whole numbers, magnitudes are in the same order, and NaN is above all.
struct Most {
  Bits most{};
  HD void raise(const double* v) {
#pragma GCC unroll 4
    for (std::size_t k = 0; k < vector_lanes; k += width) {
      const Bits size = *reinterpret_cast<const Bits*>(v + k) & INT64_MAX;
      most = size > most ? size : most;
    }
  }
  HD double all() const {
    Bits high = most;
    if constexpr (width >= 8) high = larger<width / 2>(high);
    if constexpr (width >= 4) high = larger<width >= 8 ? 2 : width / 2>(high);
    const std::int64_t one = larger<1>(high)[0];
    double found;
    __builtin_memcpy(&found, &one, sizeof found);
    return found;
  }
};

double dot(const double* a, const double* b, std::size_t n) {
  Lanes sum{};
  for (std::size_t i = 0; i < n; i += vector_lanes) sum += at(a, i) * at(b, i);
  return sum_of(sum);
}

double add_and_dot(const double* in, double c, const double* v, double scale, const double* w, double* out,
                   std::size_t n) {
  Lanes sum{};
  for (std::size_t i = 0; i < n; i += vector_lanes) {
    const Lanes x = scale * (at(in, i) + c * at(v, i));
    at(out, i) = x;
    sum += at(w, i) * x;
  }
  return sum_of(sum);
}

double largest(const double* v, std::size_t n) {
  Most most;
  for (std::size_t i = 0; i < n; i += vector_lanes) most.raise(v + i);
  return most.all();
}

template <bool keeps>
HD VectorChange changed(const double* x1, const double* x, const double* g1, const double* g, double* s_out,
                        double* y_out, std::size_t n) {
  Lanes ss{}, yy{}, ys{}, turn{};
  Most most;
  for (std::size_t i = 0; i < n; i += vector_lanes) {
    const Lanes after = at(g1, i), before = at(g, i);
    const Lanes s = at(x1, i) - at(x, i), y = after - before;
    ss += s * s;
    turn += after * before;
    most.raise(g1 + i);
    if (keeps) {
      yy += y * y;
      ys += y * s;
      at(s_out, i) = s;
      at(y_out, i) = y;
    }
  }
  const Two first = sums_of(ss, turn), second = sums_of(yy, ys);
  return {first[0], second[0], second[1], first[1], most.all()};
}

VectorChange change(const double* x1, const double* x, const double* g1, const double* g, double* s, double* y,
                    std::size_t n) {
  return s ? changed<true>(x1, x, g1, g, s, y, n) : changed<false>(x1, x, g1, g, s, y, n);
}

bool move(const double* x, double alpha, const double* d, double* out, std::size_t n) {
  Bits any{};
  for (std::size_t i = 0; i < n; i += width) {
    const Width from = *reinterpret_cast<const Width*>(x + i);
    const Width to = from + alpha * *reinterpret_cast<const Width*>(d + i);
    *reinterpret_cast<Width*>(out + i) = to;
    any |= Bits(to != from);
  }
  std::int64_t moved = 0;
  for (std::size_t k = 0; k < width; ++k) moved |= any[k];
  return moved != 0;
}

// -- several vectors ----

// Long vectors are read so many side by side: their sums fill the registers, and memory has many lines to bring at
// once.
constexpr std::size_t at_once = 10;
// Of longer vectors, what comes after those that are read is asked for: its first lines would be waited for otherwise.
constexpr std::size_t short_length = 512, lines_ahead = 16;
HD void ask_for(const VectorPart& part, std::size_t k) {
  if (part.n <= short_length || k >= part.k) return;
  const char* const line = reinterpret_cast<const char*>(part.v[k] + part.from);
#pragma GCC unroll 16
  for (std::size_t i = 0; i < lines_ahead; ++i) __builtin_prefetch(line + 64 * i, 0, 2);
}

/// The products of `height` vectors, from the one at `first` on, with a and, if `both`, with b.
template <std::size_t height, bool both>
HD void add_products(const VectorPart& part, std::size_t first, const double* a, const double* b, double* sums) {
  const double* v[height];
  Lanes of_a[height]{}, of_b[height]{};
#pragma GCC unroll 10
  for (std::size_t k = 0; k < height; ++k) {
    v[k] = part.v[first + k];
    if (height < at_once) ask_for(part, first + height + k);
  }
  for (std::size_t i = part.from; i < part.from + part.n; i += vector_lanes) {
    const Lanes in_a = at(a, i), in_b = both ? at(b, i) : Lanes{};
#pragma GCC unroll 10
    for (std::size_t k = 0; k < height; ++k) {
      const Lanes here = at(v[k], i);
      of_a[k] += here * in_a;
      if (both) of_b[k] += here * in_b;
    }
  }
  if (both) {
#pragma GCC unroll 10
    for (std::size_t k = 0; k < height; ++k)
      *reinterpret_cast<Two*>(sums + 2 * (first + k)) += sums_of(of_a[k], of_b[k]);
  } else {
#pragma GCC unroll 5
    for (std::size_t k = 0; k + 2 <= height; k += 2)
      *reinterpret_cast<Two*>(sums + first + k) += sums_of(of_a[k], of_a[k + 1]);
    if (height % 2) sums[first + height - 1] += sum_of(of_a[height - 1]);
  }
}

template <bool both> HD void all_products(const VectorPart& part, const double* a, const double* b, double* sums) {
  std::size_t k = 0;
  for (; k + at_once <= part.k; k += at_once) add_products<at_once, both>(part, k, a, b, sums);
  for (; k + 2 <= part.k; k += 2) add_products<2, both>(part, k, a, b, sums);
  if (k < part.k) add_products<1, both>(part, k, a, b, sums);
}

void products(const VectorPart& part, const double* a, double* sums) { all_products<false>(part, a, a, sums); }

void products_of_two(const VectorPart& part, const double* a, const double* b, double* sums) {
  all_products<true>(part, a, b, sums);
}

// Short vectors: the sum over all vectors stays in registers, `blocks` groups of lanes at a time. Vectors with even and
// with odd numbers have separate sums, so that an addition need not wait for the one before.
template <std::size_t blocks>
HD Lanes add_all(const double* in, const VectorPart& part, const double* c, double scale, const double* w, double* out,
                 std::size_t from) {
  const double* const* const v = part.v;
  Lanes even[blocks], odd[blocks]{}, sum{};
#pragma GCC unroll 3
  for (std::size_t b = 0; b < blocks; ++b) even[b] = in ? at(in, from + b * vector_lanes) : Lanes{};
  std::size_t k = 0;
  for (; k + 2 <= part.k; k += 2) {
#pragma GCC unroll 3
    for (std::size_t b = 0; b < blocks; ++b) {
      even[b] += c[k] * at(v[k], from + b * vector_lanes);
      odd[b] += c[k + 1] * at(v[k + 1], from + b * vector_lanes);
    }
  }
#pragma GCC unroll 3
  for (std::size_t b = 0; b < blocks; ++b) {
    const std::size_t i = from + b * vector_lanes;
    if (k < part.k) even[b] += c[k] * at(v[k], i);
    const Lanes x = scale * (even[b] + odd[b]);
    at(out, i) = x;
    if (w) sum += at(w, i) * x;
  }
  return sum;
}

// The same of two sums at once, so that vectors are read once and one sum need not wait for the other.
template <std::size_t blocks>
HD void add_both(const VectorPart& part, const double* c, const double* e, double* of_c, double* of_e,
                 std::size_t from) {
  const double* const* const v = part.v;
  Lanes even[blocks]{}, odd[blocks]{}, even_e[blocks]{}, odd_e[blocks]{};
  std::size_t k = 0;
  for (; k + 2 <= part.k; k += 2) {
#pragma GCC unroll 3
    for (std::size_t b = 0; b < blocks; ++b) {
      const Lanes one = at(v[k], from + b * vector_lanes), next = at(v[k + 1], from + b * vector_lanes);
      even[b] += c[k] * one;
      even_e[b] += e[k] * one;
      odd[b] += c[k + 1] * next;
      odd_e[b] += e[k + 1] * next;
    }
  }
#pragma GCC unroll 3
  for (std::size_t b = 0; b < blocks; ++b) {
    const std::size_t i = from + b * vector_lanes;
    if (k < part.k) {
      even[b] += c[k] * at(v[k], i);
      even_e[b] += e[k] * at(v[k], i);
    }
    at(of_c, i) = even[b] + odd[b];
    at(of_e, i) = even_e[b] + odd_e[b];
  }
}

void combine_two(const VectorPart& part, const double* c, const double* e, double* of_c, double* of_e) {
  constexpr std::size_t most = vector_bytes >= 64 ? 3 : 1;  // whose sums are in registers
  std::size_t from = part.from, end = from + part.n;
  for (; from + most * vector_lanes <= end; from += most * vector_lanes) add_both<most>(part, c, e, of_c, of_e, from);
  for (; from < end; from += vector_lanes) add_both<1>(part, c, e, of_c, of_e, from);
}

// Sums over all vectors that are longer, some at a time, in pieces that stay in the first cache from one to the next.
constexpr std::size_t side_by_side = 5, piece = 2048;

template <std::size_t height, bool ends>
HD void add_some(const double* in, const VectorPart& part, std::size_t first, const double* c, double scale,
                 const double* w, double* out, Lanes& sum) {
  const double* v[height];
  Lanes by[height];
#pragma GCC unroll 5
  for (std::size_t k = 0; k < height; ++k) {
    v[k] = part.v[first + k];
    by[k] = Lanes{} + c[first + k];
  }
  for (std::size_t i = part.from; i < part.from + part.n; i += vector_lanes) {
    Lanes x = in ? at(in, i) : Lanes{};
#pragma GCC unroll 5
    for (std::size_t k = 0; k < height; ++k) x += by[k] * at(v[k], i);
    if (ends) {
      x *= scale;
      if (w) sum += at(w, i) * x;
    }
    at(out, i) = x;
  }
}

HD_CALLED double combine_long(const double* in, const VectorPart& part, const double* c, double scale, const double* w,
                              double* out) {
  Lanes sum{};
  const std::size_t end = part.from + part.n;
  for (std::size_t from = part.from; from < end; from += piece) {
    const VectorPart here{part.v, part.k, from, from + piece < end ? piece : end - from};
    const double* before = in;
    std::size_t k = 0;
    for (; k + side_by_side < part.k; k += side_by_side) {
      add_some<side_by_side, false>(before, here, k, c, scale, w, out, sum);
      before = out;
    }
    switch (part.k - k) {
      case 1:
        add_some<1, true>(before, here, k, c, scale, w, out, sum);
        break;
      case 2:
        add_some<2, true>(before, here, k, c, scale, w, out, sum);
        break;
      case 3:
        add_some<3, true>(before, here, k, c, scale, w, out, sum);
        break;
      case 4:
        add_some<4, true>(before, here, k, c, scale, w, out, sum);
        break;
      default:
        add_some<side_by_side, true>(before, here, k, c, scale, w, out, sum);
    }
  }
  return sum_of(sum);
}

double combine(const double* in, const VectorPart& part, const double* c, double scale, const double* w, double* out) {
  if (part.n > short_length) return combine_long(in, part, c, scale, w, out);
  Lanes sum{};
  std::size_t from = part.from, end = from + part.n;
  for (; from + 3 * vector_lanes <= end; from += 3 * vector_lanes) sum += add_all<3>(in, part, c, scale, w, out, from);
  if (from + 2 * vector_lanes == end) sum += add_all<2>(in, part, c, scale, w, out, from);
  if (from + vector_lanes == end) sum += add_all<1>(in, part, c, scale, w, out, from);
  return sum_of(sum);
}

// Few vectors are read once, for both; of fewer than `at_once` the last one stands for the others, times 0. More of
// them are read again while a cache still has them.
void combine_and_products(const double* in, const VectorPart& part, const double* c, double scale, double* out,
                          double* sums) {
  constexpr std::size_t cached = 640 * 1024 / sizeof(double);
  const std::size_t end = part.from + part.n;
  if (part.k > at_once) {
    const std::size_t most = cached / part.k / vector_lanes * vector_lanes;
    for (std::size_t from = part.from; from < end; from += most) {
      const VectorPart here{part.v, part.k, from, from + most < end ? most : end - from};
      combine(in, here, c, scale, nullptr, out);
      products(here, out, sums);
    }
    return;
  }
  const double* v[at_once];
  double by[at_once];
  Lanes of[at_once]{};
#pragma GCC unroll 10
  for (std::size_t k = 0; k < at_once; ++k) {
    v[k] = part.v[k < part.k ? k : part.k - 1];
    by[k] = k < part.k ? c[k] : 0;
  }
  for (std::size_t i = part.from; i < end; i += vector_lanes) {
    Lanes x = at(in, i), here[at_once];
#pragma GCC unroll 10
    for (std::size_t k = 0; k < at_once; ++k) {
      here[k] = at(v[k], i);
      x += by[k] * here[k];
    }
    x *= scale;
    at(out, i) = x;
#pragma GCC unroll 10
    for (std::size_t k = 0; k < at_once; ++k) of[k] += here[k] * x;
  }
  for (std::size_t k = 0; k < part.k; ++k) sums[k] += sum_of(of[k]);
}

constexpr VectorsTable table{dot,     add_and_dot,          largest,    change, move, products, products_of_two,
                             combine, combine_and_products, combine_two};

}  // namespace

template <> const VectorsTable& vectors_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
