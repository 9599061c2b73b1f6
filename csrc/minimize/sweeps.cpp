#include "minimize/sweeps.hpp"

namespace gs::minimize {
namespace {

HD void raise(Lanes& most, const Lanes& v) {
  const Lanes size = v < 0 ? -v : v;
  most = (size > most) | (size != size) ? size : most;
}
HD void raise(double& most, double size) {
  if (size > most || size != size) most = size;
}
HD double most_of(const Lanes& v) {
  double most = 0;
  for (std::size_t i = 0; i < lanes; ++i) raise(most, v[i]);
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
  Lanes most{};
  for (std::size_t i = 0; i < size; i += lanes) raise(most, at(p, i));
  return most_of(most);
}

namespace {

template <bool keeps>
HD Change changed(const double* px1, const double* px, const double* pg1, const double* pg, double* ps, double* py,
                  std::size_t size, ThreadTeam* team) {
  return over<Change>(
      size, team,
      [=](std::size_t begin, std::size_t end) {
        Lanes ss{}, yy{}, ys{}, turn{}, most{};
        for (std::size_t i = begin; i < end; i += lanes) {
          const Lanes g1 = at(pg1, i), g = at(pg, i);
          const Lanes s = at(px1, i) - at(px, i), y = g1 - g;
          ss += s * s;
          yy += y * y;
          ys += y * s;
          turn += g1 * g;
          raise(most, g1);
          if (keeps) {
            at(ps, i) = s;
            at(py, i) = y;
          }
        }
        return Change{sum_of(ss), sum_of(yy), sum_of(ys), sum_of(turn), most_of(most)};
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
  Mask moved{};
  for (std::size_t i = 0; i < size; i += lanes) {
    const Lanes from = at(px, i), to = from + alpha * at(pd, i);
    at(po, i) = to;
    moved |= to != from;
  }
  long long any = 0;
  for (std::size_t i = 0; i < lanes; ++i) any |= moved[i];
  return any != 0;
}

}  // namespace gs::minimize
