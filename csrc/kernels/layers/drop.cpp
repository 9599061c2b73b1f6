// Random numbers for the elements of rows: none is stored, backward draws the same ones again.
#include "kernels/layers/drop.hpp"

#include "core/normal.hpp"

namespace gs {
namespace {

struct Keep {
  template <class Real> static HD Real of(Real x, std::uint32_t bits, Real scale, const Draw& draw) {
    return keep(x, bits, scale, draw);
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

// The random words of a row of n columns: `with` takes some of them at a time, for columns from `first` to before
// `last`.
template <class With> HD void draw_row(std::size_t n, std::uint64_t row, const Draw& draw, With with) {
  constexpr std::size_t width = 16;
  const std::size_t quarter = quarter_of(n);
  for (std::size_t begin = 0; begin < quarter; begin += width) {
    std::uint32_t drawn[4][width];
#pragma omp simd
    for (std::size_t k = 0; k < width; ++k) {
      const auto four = draw_four(begin + k, row, draw);
      drawn[0][k] = four[0];
      drawn[1][k] = four[1];
      drawn[2][k] = four[2];
      drawn[3][k] = four[3];
    }
    const std::size_t wide = quarter - begin < width ? quarter - begin : width;
    for (std::size_t word = 0; word < 4; ++word) {
      const std::size_t first = word * quarter + begin;
      with(drawn[word], first, first + wide < n ? first + wide : n);
    }
  }
}

template <class Change, class Real>
void drop(void* at, std::size_t count, std::size_t n, const std::int64_t* ids, const Draw& draw) {
  const Real scale = Real(draw.scale);
  for (std::size_t i = 0; i < count; ++i) {
    Real* RESTRICT x = static_cast<Real*>(at) + i * n;
    draw_row(n, std::uint64_t(ids[i]), draw,
             [&](const std::uint32_t* RESTRICT drawn, std::size_t first, std::size_t last) INLINED {
#pragma omp simd
               for (std::size_t j = first; j < last; ++j) x[j] = Change::of(x[j], drawn[j - first], scale, draw);
             });
  }
}

// The innermost axis of a sample: with a word for each number, or one for all.
template <class Real>
HD void keep_run(Real* RESTRICT x, const std::uint32_t* RESTRICT words, const DrawAxes::Axis& run, const Draw& draw) {
  const Real scale = Real(draw.scale), shift = Real(draw.shift), dropped = Real(draw.dropped);
  if (run.shares) {
    const bool is_kept = *words >= draw.threshold;
#pragma omp simd
    for (std::size_t j = 0; j < run.size; ++j) x[j] = is_kept ? x[j] * scale + shift : dropped;
  } else {
#pragma omp simd
    for (std::size_t j = 0; j < run.size; ++j) x[j] = words[j] >= draw.threshold ? x[j] * scale + shift : dropped;
  }
}

template <class Real>
void drop_shared(void* at, std::size_t count, const DrawAxes& given, const std::int64_t* ids, const Draw& draw,
                 std::uint32_t* words) {
  // Axes side by side that are alike are walked along as one.
  DrawAxes axes;
  std::size_t columns = 1;
  for (int k = 0; k < given.rank; ++k) {
    const DrawAxes::Axis& next = given.axis[k];
    if (!next.shares) columns *= next.size;
    if (axes.rank > 0 && axes.axis[axes.rank - 1].shares == next.shares)
      axes.axis[axes.rank - 1].size *= next.size;
    else
      axes.axis[axes.rank++] = next;
  }
  if (axes.rank == 0) axes.axis[axes.rank++] = {1, true};
  std::size_t step[DrawAxes::most];  // along an axis, in words
  std::size_t words_within = 1;
  for (int k = axes.rank - 1; k >= 0; --k) {
    step[k] = axes.axis[k].shares ? 0 : words_within;
    if (!axes.axis[k].shares) words_within *= axes.axis[k].size;
  }
  const DrawAxes::Axis& run = axes.axis[axes.rank - 1];
  std::size_t runs = 1;
  for (int k = 0; k + 1 < axes.rank; ++k) runs *= axes.axis[k].size;
  Real* x = static_cast<Real*>(at);
  for (std::size_t i = 0; i < count; ++i, words += columns) {
    draw_row(columns, ids ? std::uint64_t(ids[i]) : 0, draw,
             [&](const std::uint32_t* RESTRICT drawn, std::size_t first, std::size_t last) INLINED {
               for (std::size_t j = first; j < last; ++j) words[j] = drawn[j - first];
             });
    std::size_t index[DrawAxes::most] = {}, word = 0;
    for (std::size_t r = 0; r < runs; ++r, x += run.size) {
      keep_run(x, words + word, run, draw);
      for (int k = axes.rank - 2; k >= 0; --k) {
        word += step[k];
        if (++index[k] < axes.axis[k].size) break;
        word -= step[k] * axes.axis[k].size;
        index[k] = 0;
      }
    }
  }
}

constexpr DropTable table{{drop<Keep, float>, drop<Keep, double>},
                          {drop<AddNoise, float>, drop<AddNoise, double>},
                          {drop<MultiplyNoise, float>, drop<MultiplyNoise, double>},
                          {drop_shared<float>, drop_shared<double>}};

}  // namespace

template <> const DropTable& drop_table<GS_ISA>() noexcept { return table; }

}  // namespace gs
