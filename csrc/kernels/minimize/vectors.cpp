#include "kernels/minimize/vectors.hpp"

#include <cstdint>

#include "kernels/minimize/lanes.hpp"

namespace gs {
namespace {

// Comparisons are made in vectors of the width that registers have: their results do not depend on it.
typedef std::int64_t Bits __attribute__((vector_size(vector_bytes), may_alias));
typedef double Width __attribute__((vector_size(vector_bytes), may_alias));
constexpr std::size_t width = vector_bytes / sizeof(double);

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
    std::int64_t one = 0;
    for (std::size_t k = 0; k < width; ++k) one = most[k] > one ? most[k] : one;
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

// Of long vectors, what comes after those that are read is asked for: its first lines would be waited for otherwise.
constexpr std::size_t short_length = 512, lines_ahead = 16;
HD void ask_for(const VectorPart& part, std::size_t k) {
  if (part.n <= short_length || k >= part.k) return;
  const char* const line = reinterpret_cast<const char*>(part.v[k] + part.from);
#pragma GCC unroll 16
  for (std::size_t i = 0; i < lines_ahead; ++i) __builtin_prefetch(line + 64 * i, 0, 2);
}

void products(const VectorPart& part, const double* a, double* sums) {
  const std::size_t end = part.from + part.n;
  std::size_t k = 0;
  for (; k + 2 <= part.k; k += 2) {
    const double *const v = part.v[k], *const next = part.v[k + 1];
    Lanes sum{}, sum_next{};
    ask_for(part, k + 2);
    ask_for(part, k + 3);
    for (std::size_t i = part.from; i < end; i += vector_lanes) {
      const Lanes here = at(a, i);
      sum += at(v, i) * here;
      sum_next += at(next, i) * here;
    }
    *reinterpret_cast<Two*>(sums + k) += sums_of(sum, sum_next);
  }
  if (k == part.k) return;
  Lanes sum{};
  for (std::size_t i = part.from; i < end; i += vector_lanes) sum += at(part.v[k], i) * at(a, i);
  sums[k] += sum_of(sum);
}

// Two vectors at a time, so that a and b are read half as often.
void products_of_two(const VectorPart& part, const double* a, const double* b, double* sums) {
  const std::size_t end = part.from + part.n;
  std::size_t k = 0;
  for (; k + 2 <= part.k; k += 2) {
    const double *const v = part.v[k], *const next = part.v[k + 1];
    Lanes of_a{}, of_b{}, next_of_a{}, next_of_b{};
    ask_for(part, k + 2);
    ask_for(part, k + 3);
    for (std::size_t i = part.from; i < end; i += vector_lanes) {
      const Lanes here = at(v, i), there = at(next, i), in_a = at(a, i), in_b = at(b, i);
      of_a += here * in_a;
      of_b += here * in_b;
      next_of_a += there * in_a;
      next_of_b += there * in_b;
    }
    *reinterpret_cast<Two*>(sums + 2 * k) += sums_of(of_a, of_b);
    *reinterpret_cast<Two*>(sums + 2 * k + 2) += sums_of(next_of_a, next_of_b);
  }
  if (k == part.k) return;
  Lanes of_a{}, of_b{};
  for (std::size_t i = part.from; i < end; i += vector_lanes) {
    of_a += at(part.v[k], i) * at(a, i);
    of_b += at(part.v[k], i) * at(b, i);
  }
  *reinterpret_cast<Two*>(sums + 2 * k) += sums_of(of_a, of_b);
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

// The vectors begin at the same place of a page, so that of long ones only some may be read side by side: a set of the
// first cache holds eight lines or twelve.
constexpr std::size_t side_by_side = 4;

template <std::size_t height, bool ends>
HD Lanes add_some(const double* in, const VectorPart& part, std::size_t first, const double* c, double scale,
                  const double* w, double* out) {
  const double* v[height];
  Lanes by[height];
#pragma GCC unroll 4
  for (std::size_t k = 0; k < height; ++k) {
    v[k] = part.v[first + k];
    by[k] = Lanes{} + c[first + k];
    ask_for(part, first + height + k);
  }
  Lanes sum{};
  for (std::size_t i = part.from; i < part.from + part.n; i += vector_lanes) {
    Lanes x = in ? at(in, i) : Lanes{};
#pragma GCC unroll 4
    for (std::size_t k = 0; k < height; ++k) x += by[k] * at(v[k], i);
    if (ends) {
      x *= scale;
      if (w) sum += at(w, i) * x;
    }
    at(out, i) = x;
  }
  return sum;
}

double combine(const double* in, const VectorPart& part, const double* c, double scale, const double* w, double* out) {
  if (part.n <= short_length) {
    Lanes sum{};
    std::size_t from = part.from, end = from + part.n;
    for (; from + 3 * vector_lanes <= end; from += 3 * vector_lanes)
      sum += add_all<3>(in, part, c, scale, w, out, from);
    if (from + 2 * vector_lanes == end) sum += add_all<2>(in, part, c, scale, w, out, from);
    if (from + vector_lanes == end) sum += add_all<1>(in, part, c, scale, w, out, from);
    return sum_of(sum);
  }
  std::size_t k = 0;
  for (; k + side_by_side < part.k; k += side_by_side) {
    add_some<side_by_side, false>(in, part, k, c, scale, w, out);
    in = out;
  }
  switch (part.k - k) {
    case 1:
      return sum_of(add_some<1, true>(in, part, k, c, scale, w, out));
    case 2:
      return sum_of(add_some<2, true>(in, part, k, c, scale, w, out));
    case 3:
      return sum_of(add_some<3, true>(in, part, k, c, scale, w, out));
    default:
      return sum_of(add_some<side_by_side, true>(in, part, k, c, scale, w, out));
  }
}

constexpr VectorsTable table{dot, add_and_dot, largest, change, move, products, products_of_two, combine};

}  // namespace

template <> const VectorsTable& vectors_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
