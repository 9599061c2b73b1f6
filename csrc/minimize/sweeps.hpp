// Loops over vectors. Sums of long vectors are made chunk by chunk, in an order that depends on sizes alone.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "minimize/vector.hpp"
#include "runtime/dispatch_minimize.hpp"
#include "runtime/threads.hpp"

namespace gs::minimize {

inline constexpr double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();

// Doubles of a chunk: three or four of its streams lie in an L2 cache.
inline constexpr std::size_t chunk_length = 1 << 14;

/// Calls lead(team) with threads for vectors of so many doubles; without any, team null, where they are short.
template <class Lead> void with_team(std::size_t size, Lead&& lead) {
  if (size <= 2 * chunk_length) return lead(static_cast<ThreadTeam*>(nullptr));
  ThreadTeam::run(threads_for(size / chunk_length), [&](ThreadTeam& team) { lead(&team); });
}

/// work(chunk, from, n) for each chunk of a vector.
template <class Work> void each_chunk(std::size_t size, ThreadTeam* team, const Work& work) {
  const std::size_t chunks = (size + chunk_length - 1) / chunk_length;
  const auto one = [&](std::size_t i) {
    const std::size_t from = i * chunk_length;
    work(i, from, from + chunk_length < size ? chunk_length : size - from);
  };
  if (team)
    team->stage(chunks, [&](std::size_t i, int) { one(i); });
  else
    for (std::size_t i = 0; i < chunks; ++i) one(i);
}

/// work(from, n) -> Sums, over all of a vector; added up by merge(Sums&, Sums).
template <class Sums, class Work, class Merge>
Sums over(std::size_t size, ThreadTeam* team, const Work& work, const Merge& merge) {
  if (size <= chunk_length) return work(0, size);
  std::vector<Sums> parts((size + chunk_length - 1) / chunk_length);
  each_chunk(size, team, [&](std::size_t i, std::size_t from, std::size_t n) { parts[i] = work(from, n); });
  for (std::size_t i = 1; i < parts.size(); ++i) merge(parts[0], parts[i]);
  return parts[0];
}

/// work(from, n, sums) adds to `count` sums, over all of a vector; they are set.
template <class Work>
void sums_over(std::size_t size, ThreadTeam* team, std::size_t count, double* sums, const Work& work) {
  for (std::size_t k = 0; k < count; ++k) sums[k] = 0;
  if (size <= chunk_length) return work(0, size, sums);
  std::vector<double> parts((size + chunk_length - 1) / chunk_length * count);
  each_chunk(size, team, [&](std::size_t i, std::size_t from, std::size_t n) { work(from, n, &parts[i * count]); });
  for (std::size_t i = 0; i < parts.size(); ++i) sums[i % count] += parts[i];
}

/// a . b
double dot(const Vector& a, const Vector& b, std::size_t size, ThreadTeam* team = nullptr);

/// out = scale * (in + c * v); gives w . out. out may be in.
double add_and_dot(const Vector& in, double c, const Vector& v, double scale, const Vector& w, const Vector& out,
                   std::size_t size, ThreadTeam* team = nullptr);

/// The largest magnitude; NaN if one is in it.
double largest(const Vector& v, std::size_t size);
/// The same of any n numbers.
double largest(const double* v, std::size_t n);

using Change = VectorChange;
/// Of a step from x to x1, where the gradients are g and g1; s and y are written.
Change change(const Vector& x1, const Vector& x, const Vector& g1, const Vector& g, const Vector& s, const Vector& y,
              std::size_t size, ThreadTeam* team = nullptr);
/// The same, without s, y and what is of y.
Change change(const Vector& x1, const Vector& x, const Vector& g1, const Vector& g, std::size_t size);

/// out = x + alpha * d; whether that is not x.
bool move(const Vector& x, double alpha, const Vector& d, const Vector& out, std::size_t size);

}  // namespace gs::minimize
