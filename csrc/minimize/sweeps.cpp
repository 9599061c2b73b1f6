#include "minimize/sweeps.hpp"

#include <cstdint>

namespace gs::minimize {
namespace {

// Comparisons are made in two lanes at a time, which every CPU has: of eight the compiler would make eight.
typedef double Two __attribute__((vector_size(16), may_alias));
typedef long long TwoMasks __attribute__((vector_size(16), may_alias));
constexpr std::size_t pairs = lanes / 2;
HD Two& two(double* x, std::size_t i) { return *reinterpret_cast<Two*>(x + i); }
HD const Two& two(const double* x, std::size_t i) { return *reinterpret_cast<const Two*>(x + i); }

/// The largest magnitudes so far, of each lane; NaN stays.
struct Most {
  Two lanes[pairs]{};
  HD void raise(const double* v) {
    for (std::size_t k = 0; k < pairs; ++k) {
      const Two size = Two(TwoMasks(two(v, 2 * k)) & INT64_MAX);
      lanes[k] = ((size > lanes[k]) | (size != size)) ? size : lanes[k];
    }
  }
  HD double all() const;
};
HD void raise(double& most, double size) {
  if (size > most || size != size) most = size;
}
HD double Most::all() const {
  double most = 0;
  for (const Two& lane : lanes) {
    minimize::raise(most, lane[0]);
    minimize::raise(most, lane[1]);
  }
  return most;
}
const auto add = [](double& a, double b) { a += b; };

}  // namespace

double dot(const Vector& a, const Vector& b, std::size_t size, ThreadTeam* team) {
  const double *const pa = a.data(), *const pb = b.data();
  return over<double>(
      size, team,
      [=](std::size_t begin, std::size_t end) {
        Lanes sum{};
        for (std::size_t i = begin; i < end; i += lanes) sum += at(pa, i) * at(pb, i);
        return sum_of(sum);
      },
      add);
}

double add_and_dot(const Vector& in, double c, const Vector& v, double scale, const Vector& w, const Vector& out,
                   std::size_t size, ThreadTeam* team) {
  const double *const pi = in.data(), *const pv = v.data(), *const pw = w.data();
  double* const po = out.data();
  return over<double>(
      size, team,
      [=](std::size_t begin, std::size_t end) {
        Lanes sum{};
        for (std::size_t i = begin; i < end; i += lanes) {
          const Lanes x = scale * (at(pi, i) + c * at(pv, i));
          at(po, i) = x;
          sum += at(pw, i) * x;
        }
        return sum_of(sum);
      },
      add);
}

double largest(const Vector& v, std::size_t size) {
  const double* const p = v.data();
  Most most;
  for (std::size_t i = 0; i < size; i += lanes) most.raise(p + i);
  return most.all();
}

namespace {

template <bool keeps>
HD Change changed(const double* px1, const double* px, const double* pg1, const double* pg, double* ps, double* py,
                  std::size_t size, ThreadTeam* team) {
  return over<Change>(
      size, team,
      [=](std::size_t begin, std::size_t end) {
        Lanes ss{}, yy{}, ys{}, turn{};
        Most most;
        for (std::size_t i = begin; i < end; i += lanes) {
          const Lanes g1 = at(pg1, i), g = at(pg, i);
          const Lanes s = at(px1, i) - at(px, i), y = g1 - g;
          ss += s * s;
          turn += g1 * g;
          most.raise(pg1 + i);
          if (keeps) {
            yy += y * y;
            ys += y * s;
            at(ps, i) = s;
            at(py, i) = y;
          }
        }
        if (!keeps) return Change{sum_of(ss), nan, nan, sum_of(turn), most.all()};
        return Change{sum_of(ss), sum_of(yy), sum_of(ys), sum_of(turn), most.all()};
      },
      [](Change& a, const Change& b) {
        a.ss += b.ss;
        a.yy += b.yy;
        a.ys += b.ys;
        a.turn += b.turn;
        raise(a.largest, b.largest);
      });
}

}  // namespace

Change change(const Vector& x1, const Vector& x, const Vector& g1, const Vector& g, const Vector& s, const Vector& y,
              std::size_t size, ThreadTeam* team) {
  return changed<true>(x1.data(), x.data(), g1.data(), g.data(), s.data(), y.data(), size, team);
}

Change change(const Vector& x1, const Vector& x, const Vector& g1, const Vector& g, std::size_t size) {
  return changed<false>(x1.data(), x.data(), g1.data(), g.data(), nullptr, nullptr, size, nullptr);
}

bool move(const Vector& x, double alpha, const Vector& d, const Vector& out, std::size_t size) {
  const double *const px = x.data(), *const pd = d.data();
  double* const po = out.data();
  long long moved = 0;
  with_team(size, [&](ThreadTeam* team) {
    moved = over<long long>(
        size, team,
        [=](std::size_t begin, std::size_t end) {
          TwoMasks any{};
          for (std::size_t i = begin; i < end; i += 2) {
            const Two from = two(px, i), to = from + alpha * two(pd, i);
            two(po, i) = to;
            any |= to != from;
          }
          return any[0] | any[1];
        },
        [](long long& a, long long b) { a |= b; });
  });
  return moved != 0;
}

}  // namespace gs::minimize
