#include "kernels/linear/linear_rows.hpp"

#include "core/math.hpp"
#include "kernels/simd.hpp"

namespace gs {
namespace {

// Doubles side by side, whatever the width of registers: the same bits on every instruction set.
constexpr std::size_t lanes = 8;
using Doubles = Simd<double, 64>::Vector;

HD Doubles wide(const double* x) { return load<double, 64>(x); }
HD Doubles wide(const float* x) { return __builtin_convertvector((load<float, 32>(x)), Doubles); }
HD Doubles all(double x) { return Doubles{} + x; }
HD double sum_of(const Doubles& v) { return ((v[0] + v[4]) + (v[1] + v[5])) + ((v[2] + v[6]) + (v[3] + v[7])); }

// The numbers behind the last whole vector of a row: the last eight of it, of which those count that are behind.
struct Rest {
  HD explicit Rest(std::size_t n) : from(n >= lanes ? n - lanes : 0), count(n >= lanes ? n % lanes : 0) {}
  HD Doubles of(const double* w) const {
    double kept[lanes] = {};
    for (std::size_t l = lanes - count; l < lanes; ++l) kept[l] = w[from + l];
    return wide(kept);
  }
  std::size_t from, count;
};

// One row after the other: memory is read in one stream, which is fastest.
template <class Real> void margins(const DenseRows<Real>& x, const double* w, double start, double* p) {
  const Rest rest(x.n);
  const Doubles last = rest.count ? rest.of(w) : all(0);
  for (std::size_t i = 0; i < x.rows; ++i) {
    const Real* const row = x.x + i * x.ld;
    Doubles a = all(0), b = all(0), c = all(0), d = all(0);
    std::size_t j = 0;
    for (; j + 4 * lanes <= x.n; j += 4 * lanes) {
      a += wide(row + j) * wide(w + j);
      b += wide(row + j + lanes) * wide(w + j + lanes);
      c += wide(row + j + 2 * lanes) * wide(w + j + 2 * lanes);
      d += wide(row + j + 3 * lanes) * wide(w + j + 3 * lanes);
    }
    for (; j + lanes <= x.n; j += lanes) a += wide(row + j) * wide(w + j);
    double few = 0;
    if (rest.count)
      b += wide(row + rest.from) * last;
    else
      for (; j < x.n; ++j) few += double(row[j]) * w[j];
    p[i] = start + (sum_of((a + b) + (c + d)) + few);
  }
}

template <std::size_t height, class Real>
HD void accumulate_of(const DenseRows<Real>& x, std::size_t i, const double* r, double* RESTRICT g, const Rest& rest) {
  const Real* row[height];
  Doubles by[height];
  bool any = false;
  for (std::size_t k = 0; k < height; ++k) {
    row[k] = x.x + (i + k) * x.ld;
    by[k] = all(r[i + k]);
    any |= r[i + k] != 0;
  }
  if (!any) return;
  std::size_t j = 0;
  for (; j + lanes <= x.n; j += lanes) {
    Doubles sum = wide(g + j);
#pragma GCC unroll 4
    for (std::size_t k = 0; k < height; ++k) sum += wide(row[k] + j) * by[k];
    store<64>(g + j, sum);
  }
  if (rest.count) {
    Doubles sum = all(0);
#pragma GCC unroll 4
    for (std::size_t k = 0; k < height; ++k) sum += wide(row[k] + rest.from) * by[k];
    for (std::size_t l = lanes - rest.count; l < lanes; ++l) g[rest.from + l] += sum[l];
  } else {
    for (; j < x.n; ++j)
      for (std::size_t k = 0; k < height; ++k) g[j] += double(row[k][j]) * r[i + k];
  }
}

template <class Real> void accumulate(const DenseRows<Real>& x, const double* r, double* g) {
  const Rest rest(x.n);
  std::size_t i = 0;
  for (; i + 4 <= x.rows; i += 4) accumulate_of<4>(x, i, r, g, rest);
  for (; i < x.rows; ++i) accumulate_of<1>(x, i, r, g, rest);
}

// Other threads may write into a matrix while it is read: a column is compared where it is used. Numbers and columns
// are asked for ahead: between the weights, which come from anywhere, the two streams are not seen early enough. A pass
// goes over a block of rows twice, and memory would rest while it goes back: the way back asks for the next block.
template <class Real> HD void fetch(const SparseRows<Real>& x, std::int64_t at) {
  __builtin_prefetch(x.values + at, 0, 2);
  __builtin_prefetch(x.columns + at, 0, 2);
}

template <class Real> bool sparse_margins(const SparseRows<Real>& x, const double* w, double start, double* p) {
  constexpr std::int32_t step = lanes, ahead = 1024;
  for (std::size_t i = 0; i < x.rows; ++i) {
    const std::int32_t end = x.starts[i + 1];
    std::int32_t k = x.starts[i];
    double parts[lanes] = {};
    const auto add = [&](std::int32_t at, double& part) INLINED {
      const auto column = std::uint32_t(x.columns[at]);
      if (column >= x.width) return false;
      part += w[column] * double(x.values[at]);
      return true;
    };
    for (; k + step <= end; k += step) {
      fetch(x, std::int64_t(k) + ahead);
#pragma GCC unroll 8
      for (std::int32_t l = 0; l < step; ++l)
        if (!add(k + l, parts[l])) return false;
    }
    for (std::size_t l = 0; k < end; ++k, ++l)
      if (!add(k, parts[l])) return false;
    p[i] = start + (((parts[0] + parts[4]) + (parts[1] + parts[5])) + ((parts[2] + parts[6]) + (parts[3] + parts[7])));
  }
  return true;
}

template <class Real> bool sparse_accumulate(const SparseRows<Real>& x, const double* r, double* g) {
  constexpr std::int32_t step = lanes;
  const std::int32_t ahead = x.starts[x.rows] - x.starts[0];
  for (std::size_t i = 0; i < x.rows; ++i) {
    const double by = r[i];
    if (by == 0) continue;
    const auto add = [&](std::int32_t at) INLINED {
      const auto column = std::uint32_t(x.columns[at]);
      if (column >= x.width) return false;
      g[column] += by * double(x.values[at]);
      return true;
    };
    const std::int32_t end = x.starts[i + 1];
    std::int32_t k = x.starts[i];
    for (; k + step <= end; k += step) {
      fetch(x, std::int64_t(k) + ahead);
#pragma GCC unroll 8
      for (std::int32_t l = 0; l < step; ++l)
        if (!add(k + l)) return false;
    }
    for (; k < end; ++k)
      if (!add(k)) return false;
  }
  return true;
}

template <class Real> void lift(const Real* x, const double* centre, double by, std::size_t n, double* RESTRICT to) {
#pragma omp simd
  for (std::size_t j = 0; j < n; ++j) to[j] = by * (double(x[j]) - centre[j]);
}

// -- losses of a sum p and a target y: value, slope and curvature in p; a class is -1 or 1 ----

struct Of {
  double value, slope, curvature;
};

// log(1 + e^-z), z = y p
struct LogLoss {
  HD static Of of(double y, double p, double, double) {
    const double z = y * p, e = exp(-magnitude(z)), u = 1 + e, below = 1 / u;
    // log(1 + e) with what rounding 1 + e dropped.
    return {at_least(-z, 0.0) + (log(u) + (e - (u - 1)) * below), -y * (z < 0 ? below : e * below), e * below * below};
  }
};

// max(0, 1 - z)^2
struct SquaredHinge {
  HD static Of of(double y, double p, double, double) {
    const double under = at_least(1 - y * p, 0.0);
    return {under * under, -2 * y * under, under > 0 ? 2.0 : 0.0};
  }
};

struct SquaredError {
  HD static Of of(double y, double p, double, double) { return {0.5 * (p - y) * (p - y), p - y, 1}; }
};

// max(0, |p - y| - at)^2
struct SquaredInsensitive {
  HD static Of of(double y, double p, double at, double) {
    const double r = p - y, over = at_least(magnitude(r) - at, 0.0);
    return {over * over, 2 * with_sign(over, r), over > 0 ? 2.0 : 0.0};
  }
};

// scale H(r / scale) + scale, where H(z) is z^2 up to |z| = at, then its tangent. Huber 1964, Ann. Math. Statist. 35;
// with the scale, Owen 2007, Contemporary Mathematics 443.
struct Huber {
  HD static Of of(double y, double p, double at, double scale) {
    const double r = p - y, z = r / scale, size = magnitude(z);
    const bool is_inside = size <= at;
    return {scale * (1 + (is_inside ? z * z : 2 * at * size - at * at)), is_inside ? 2 * z : with_sign(2 * at, z),
            is_inside ? 2 / scale : 0.0};
  }
};

template <class Loss> double losses(const SumLosses& rows) {
  const double *const y = rows.y, *const s = rows.s, *const p = rows.p;
  double *const RESTRICT r = rows.r, *const RESTRICT h = rows.h;
  const double at = rows.at, scale = rows.scale;
  double parts[lanes] = {};
  const auto some = [&](std::size_t i, std::size_t count) INLINED {
#pragma omp simd
    for (std::size_t l = 0; l < count; ++l) {
      const Of found = Loss::of(y[i + l], p[i + l], at, scale);
      parts[l] += found.value * s[i + l];
      r[i + l] = found.slope * s[i + l];
      h[i + l] = found.curvature * s[i + l];
    }
  };
  std::size_t i = 0;
  for (; i + lanes <= rows.n; i += lanes) some(i, lanes);
  if (i < rows.n) some(i, rows.n - i);
  return ((parts[0] + parts[4]) + (parts[1] + parts[5])) + ((parts[2] + parts[6]) + (parts[3] + parts[7]));
}

double softmax(const SoftmaxSums& rows) {
  double *const RESTRICT most = rows.room, *const RESTRICT total = rows.room + rows.n;
  const auto each = [&](auto work) INLINED {
    for (std::size_t k = 0; k < rows.classes; ++k) {
      const double* const p = rows.p + k * rows.ld;
      double *const RESTRICT r = rows.r + k * rows.ld, *const RESTRICT h = rows.h + k * rows.ld;
#pragma omp simd
      for (std::size_t i = 0; i < rows.n; ++i) work(k, i, p[i], r[i], h[i]);
    }
  };
  for (std::size_t i = 0; i < rows.n; ++i) most[i] = rows.p[i];
  each([&](std::size_t, std::size_t i, double p, double&, double&) INLINED { most[i] = larger(most[i], p); });
  for (std::size_t i = 0; i < rows.n; ++i) total[i] = 0;
  each([&](std::size_t, std::size_t i, double p, double&, double& h) INLINED {
    h = exp(p - most[i]);
    total[i] += h;
  });
  double sum = 0;
  for (std::size_t i = 0; i < rows.n; ++i)
    sum += rows.s[i] * (log(total[i]) + most[i] - rows.p[std::size_t(rows.y[i]) * rows.ld + i]);
  each([&](std::size_t k, std::size_t i, double, double& r, double& h) INLINED {
    h /= total[i];
    r = rows.s[i] * (h - (rows.y[i] == double(k) ? 1.0 : 0.0));
  });
  return sum;
}

template <class Real>
constexpr LinearRowsLoops<Real> loops{margins<Real>, accumulate<Real>, sparse_margins<Real>, sparse_accumulate<Real>,
                                      lift<Real>};
constexpr LinearRowsTable table{
    loops<float>,
    loops<double>,
    {losses<LogLoss>, losses<SquaredHinge>, losses<SquaredError>, losses<SquaredInsensitive>, losses<Huber>},
    softmax};

}  // namespace

template <> const LinearRowsTable& linear_rows_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
