// Loops over vectors. Sums are made in eight lanes and, of long vectors, chunk by chunk, in an order that depends on
// sizes alone.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

#include "core/portable.hpp"
#include "minimize/vector.hpp"
#include "runtime/threads.hpp"

namespace gs::minimize {

inline constexpr double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();

typedef double Lanes __attribute__((vector_size(lanes * sizeof(double)), may_alias));

HD double sum_of(const Lanes& v) { return ((v[0] + v[4]) + (v[1] + v[5])) + ((v[2] + v[6]) + (v[3] + v[7])); }
HD Lanes& at(double* x, std::size_t i) { return *reinterpret_cast<Lanes*>(x + i); }
HD const Lanes& at(const double* x, std::size_t i) { return *reinterpret_cast<const Lanes*>(x + i); }

// Doubles of a chunk: three or four of its streams lie in an L2 cache.
inline constexpr std::size_t chunk_length = 1 << 14;

/// Calls lead(team) with threads for vectors of so many doubles; without any, team null, where they are short.
template <class Lead> void with_team(std::size_t size, Lead&& lead) {
  if (size <= 2 * chunk_length) return lead(static_cast<ThreadTeam*>(nullptr));
  ThreadTeam::run(threads_for(size / chunk_length), [&](ThreadTeam& team) { lead(&team); });
}

/// work(begin, end) -> Sums, over all of a vector; added up by merge(Sums&, Sums).
template <class Sums, class Work, class Merge>
HD Sums over(std::size_t size, ThreadTeam* team, const Work& work, const Merge& merge) {
  if (size <= chunk_length) return work(0, size);
  const std::size_t chunks = (size + chunk_length - 1) / chunk_length;
  std::vector<Sums> parts(chunks);
  const auto one = [&](std::size_t i) {
    const std::size_t begin = i * chunk_length;
    parts[i] = work(begin, begin + chunk_length < size ? begin + chunk_length : size);
  };
  if (team)
    team->stage(chunks, [&](std::size_t i, int) { one(i); });
  else
    for (std::size_t i = 0; i < chunks; ++i) one(i);
  for (std::size_t i = 1; i < chunks; ++i) merge(parts[0], parts[i]);
  return parts[0];
}

/// a . b
double dot(const Vector& a, const Vector& b, std::size_t size, ThreadTeam* team = nullptr);

/// out = scale * (in + c * v); gives w . out. out may be in.
double add_and_dot(const Vector& in, double c, const Vector& v, double scale, const Vector& w, const Vector& out,
                   std::size_t size, ThreadTeam* team = nullptr);

/// The largest magnitude; NaN if one is in it.
double largest(const Vector& v, std::size_t size);

/// What a step has changed.
struct Change {
  double ss, yy, ys;  // of s = x' - x and y = g' - g
  double turn;        // g' . g
  double largest;     // magnitude in g'; NaN if one is in it
};
/// Of a step from x to x1, where the gradients are g and g1; s and y are written.
Change change(const Vector& x1, const Vector& x, const Vector& g1, const Vector& g, const Vector& s, const Vector& y,
              std::size_t size, ThreadTeam* team = nullptr);
/// The same, without s, y and what is of y.
Change change(const Vector& x1, const Vector& x, const Vector& g1, const Vector& g, std::size_t size);

/// out = x + alpha * d; whether that is not x.
bool move(const Vector& x, double alpha, const Vector& d, const Vector& out, std::size_t size);

}  // namespace gs::minimize
