#include <atomic>
#include <cmath>

#include "linear/objective.hpp"

namespace gs {
namespace {

constexpr std::size_t panel = 24;        // rows of the triangle that a product makes at a time
constexpr std::size_t most_chunks = 16;  // chunks of rows; each chunk has a triangle

}  // namespace

template <class Real>
void gram(const Design<Real>& design, const double* d, const double* extra, std::size_t extras, const double* centre,
          double* out) {
  const std::size_t n = std::size_t(design.columns), m = n + extras, all = std::size_t(design.rows);
  // Whole tiles of the product: the numbers behind the last column are zeros.
  const std::size_t ld = (m + 15) / 16 * 16 + (collide((m + 15) / 16 * 128) ? 16 : 0);
  const DesignRows<Real> rows(design, 1);
  // All triangles together are at most a thirty-second of a dense design.
  const std::size_t chunks = std::clamp<std::size_t>(all / (32 * m), 1, most_chunks);
  const std::size_t panels = (m + panel - 1) / panel;
  const std::size_t groups = chunks >= most_chunks / 2 ? 1 : std::min<std::size_t>(panels, 8);
  const std::size_t depth = std::clamp<std::size_t>((std::size_t(1) << 15) / m, 32, 256);
  const std::size_t room = depth * ld + gemm_scratch(panel, depth);
  const auto product = products<double>().gemm;
  std::vector<Buffer<double>> triangles;
  for (std::size_t chunk = 0; chunk < chunks; ++chunk) triangles.emplace_back(m * ld);
  std::atomic<bool> good{true};
  const int threads =
      threads_for(std::min(chunks * groups, std::size_t(double(all) * double(m) * double(m) / 4e6) + 1));
  std::vector<Buffer<double>> rooms;
  for (int t = 0; t < threads; ++t) rooms.emplace_back(room);
  ThreadTeam::run(threads, [&](ThreadTeam& team) {
    const ThreadTeam::Cancellable here(team);
    team.stage(chunks * groups, [&](std::size_t part, int thread) {
      const std::size_t chunk = part / groups, group = part % groups;
      double* const block = rooms[std::size_t(thread)].data();
      double* const c = triangles[chunk].data();
      const void* at[256];
      const std::size_t end = all * (chunk + 1) / chunks;
      std::size_t i = all * chunk / chunks;
      while (i < end) {
        std::size_t count = 0;
        for (; i < end && count < depth; ++i) {
          const double by = d ? std::sqrt(d[i]) : 1;
          if (by == 0) continue;
          double* const to = block + count * ld;
          at[count++] = to;
          if (!rows.lift(i, centre, by, to)) good.store(false, std::memory_order_relaxed);
          for (std::size_t e = 0; e < extras; ++e)
            to[n + e] = by * ((extra ? extra[i * extras + e] : 1) - centre[n + e]);
        }
        if (!count) break;
        for (std::size_t k = group; k < panels; k += groups) {
          const std::size_t from = k * panel, tall = std::min(panel, m - from);
          Product<double> q{{at, Source::f64},    from, true, block + from, ld,   false, nullptr,
                            c + from * ld + from, ld,   tall, ld - from,    count};
          q.adds = true;
          product(q, block + depth * ld);
        }
      }
    });
  });
  if (!good) bad_design();
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t j = i; j < m; ++j) {
      double sum = 0;
      for (const auto& triangle : triangles) sum += triangle.data()[i * ld + j];
      out[i * m + j] = out[j * m + i] = sum;
    }
}

template void gram<float>(const Design<float>&, const double*, const double*, std::size_t, const double*, double*);
template void gram<double>(const Design<double>&, const double*, const double*, std::size_t, const double*, double*);

}  // namespace gs
