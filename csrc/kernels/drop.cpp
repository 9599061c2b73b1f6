// Random numbers for the elements of rows: none is stored, backward draws the same ones again.
#include "kernels/drop.hpp"

#include "core/normal.hpp"
#include "core/random.hpp"

namespace gs {
namespace {

struct Keep {
  template <class Real> static HD Real of(Real x, std::uint32_t bits, Real scale, const Draw& draw) {
    return bits >= draw.threshold ? x * scale : Real(0);
  }
};

struct AddNoise {
  template <class Real> static HD Real of(Real x, std::uint32_t bits, Real scale, const Draw&) {
    return x + scale * normal_number<Real>(bits);
  }
};

struct MultiplyNoise {
  template <class Real> static HD Real of(Real x, std::uint32_t bits, Real scale, const Draw&) {
    return x * (1 + scale * normal_number<Real>(bits));
  }
};

template <class Change, class Real>
void drop(void* at, std::size_t count, std::size_t n, const std::int64_t* ids, const Draw& draw) {
  constexpr std::size_t width = 16;
  const Real scale = Real(draw.scale);
  // Column j has word j / quarter of counter j % quarter: neighbours are drawn side by side.
  const std::size_t quarter = (n + 3) / 4;
  for (std::size_t i = 0; i < count; ++i) {
    Real* RESTRICT x = static_cast<Real*>(at) + i * n;
    const auto row = std::uint64_t(ids[i]);
    for (std::size_t begin = 0; begin < quarter; begin += width) {
      std::uint32_t drawn[4][width];
#pragma omp simd
      for (std::size_t k = 0; k < width; ++k) {
        const auto four =
            philox({std::uint32_t(begin + k), std::uint32_t(row), std::uint32_t(row >> 32), draw.pass}, draw.key);
        drawn[0][k] = four[0];
        drawn[1][k] = four[1];
        drawn[2][k] = four[2];
        drawn[3][k] = four[3];
      }
      const std::size_t wide = quarter - begin < width ? quarter - begin : width;
      for (std::size_t word = 0; word < 4; ++word) {
        const std::size_t first = word * quarter + begin;
        const std::size_t last = first + wide < n ? first + wide : n;
#pragma omp simd
        for (std::size_t j = first; j < last; ++j) x[j] = Change::of(x[j], drawn[word][j - first], scale, draw);
      }
    }
  }
}

constexpr DropTable table{{drop<Keep, float>, drop<Keep, double>},
                          {drop<AddNoise, float>, drop<AddNoise, double>},
                          {drop<MultiplyNoise, float>, drop<MultiplyNoise, double>}};

}  // namespace

template <> const DropTable& drop_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
