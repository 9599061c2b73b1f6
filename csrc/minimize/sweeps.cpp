#include "minimize/sweeps.hpp"

#include <cmath>

namespace gs::minimize {
namespace {

const auto add = [](double& a, double b) { a += b; };

Change changed(const double* x1, const double* x, const double* g1, const double* g, double* s, double* y,
               std::size_t size, ThreadTeam* team) {
  if (size <= chunk_length) return minimize_kernels().vectors.change(x1, x, g1, g, s, y, size);
  return over<Change>(
      size, team,
      [=](std::size_t from, std::size_t n) {
        return minimize_kernels().vectors.change(x1 + from, x + from, g1 + from, g + from, s ? s + from : nullptr,
                                                 y ? y + from : nullptr, n);
      },
      [](Change& a, const Change& b) {
        a.ss += b.ss;
        a.yy += b.yy;
        a.ys += b.ys;
        a.turn += b.turn;
        if (b.largest > a.largest || b.largest != b.largest) a.largest = b.largest;
      });
}

}  // namespace

double dot(const Vector& a, const Vector& b, std::size_t size, ThreadTeam* team) {
  const double *const pa = a.data(), *const pb = b.data();
  return over<double>(
      size, team,
      [=](std::size_t from, std::size_t n) { return minimize_kernels().vectors.dot(pa + from, pb + from, n); }, add);
}

double add_and_dot(const Vector& in, double c, const Vector& v, double scale, const Vector& w, const Vector& out,
                   std::size_t size, ThreadTeam* team) {
  const double *const pi = in.data(), *const pv = v.data(), *const pw = w.data();
  double* const po = out.data();
  return over<double>(
      size, team,
      [=](std::size_t from, std::size_t n) {
        return minimize_kernels().vectors.add_and_dot(pi + from, c, pv + from, scale, pw + from, po + from, n);
      },
      add);
}

double largest(const Vector& v, std::size_t size) { return minimize_kernels().vectors.largest(v.data(), size); }

double largest(const double* v, std::size_t n) {
  double most = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double size = std::fabs(v[i]);
    if (size > most || size != size) most = size;
  }
  return most;
}

Change change(const Vector& x1, const Vector& x, const Vector& g1, const Vector& g, const Vector& s, const Vector& y,
              std::size_t size, ThreadTeam* team) {
  return changed(x1.data(), x.data(), g1.data(), g.data(), s.data(), y.data(), size, team);
}

Change change(const Vector& x1, const Vector& x, const Vector& g1, const Vector& g, std::size_t size) {
  return changed(x1.data(), x.data(), g1.data(), g.data(), nullptr, nullptr, size, nullptr);
}

bool move(const Vector& x, double alpha, const Vector& d, const Vector& out, std::size_t size) {
  const double *const px = x.data(), *const pd = d.data();
  double* const po = out.data();
  bool moved = false;
  with_team(size, [&](ThreadTeam* team) {
    moved = over<char>(
        size, team,
        [=](std::size_t from, std::size_t n) {
          return char(minimize_kernels().vectors.move(px + from, alpha, pd + from, po + from, n));
        },
        [](char& a, char b) { a |= b; });
  });
  return moved;
}

}  // namespace gs::minimize
