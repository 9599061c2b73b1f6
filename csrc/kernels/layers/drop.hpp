// Random numbers for the elements of rows: setting some to zero, and normal noise.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/portable.hpp"
#include "core/random.hpp"
#include "kernels/isa.hpp"

namespace gs {

/// What is drawn. Row r of a data set, in pass number `pass`, has 32 random bits of its own for each column.
struct Draw {
  std::uint64_t key;
  std::uint32_t pass;
  std::uint32_t threshold;  // drop: a number is kept where its bits are at least this
  double scale;             // drop: and multiplied by this; noise: the standard deviation
  double shift = 0;         // drop_shared: and this is added
  double dropped = 0;       // drop_shared: what stands for a number that is not kept
};

/// Of a drop with this probability.
HD std::uint32_t drop_threshold(double rate) {
  const double most = std::uint32_t(-1), at = __builtin_nearbyint(rate * (most + 1));
  return std::uint32_t(at < most ? at : most);
}

/// What numbers are multiplied by that a drop keeps.
HD double drop_scale(double rate) { return rate < 1 ? 1 / (1 - rate) : 0; }

/// How many counters a row of n columns has. Column j has word j / quarter of counter j % quarter: neighbours are drawn
/// side by side.
HD std::size_t quarter_of(std::size_t n) { return (n + 3) / 4; }
/// The words of a counter of a row.
HD std::array<std::uint32_t, 4> draw_four(std::size_t counter, std::uint64_t row, const Draw& draw) {
  return philox({std::uint32_t(counter), std::uint32_t(row), std::uint32_t(row >> 32), draw.pass}, draw.key);
}
/// What a drop makes of x by its word.
template <class Real> HD Real keep(Real x, std::uint32_t word, Real scale, const Draw& draw) {
  return word >= draw.threshold ? x * scale : Real(0);
}

/// x (count, n), in place; ids (count): the rows of the data set that they are.
using Drop = void (*)(void* x, std::size_t count, std::size_t n, const std::int64_t* ids, const Draw& draw);

/// The axes of a sample; along those that share, one draw holds for all numbers.
struct DrawAxes {
  static constexpr int most = 8;
  struct Axis {
    std::size_t size;
    bool shares;
  };
  int rank = 0;
  Axis axis[most] = {};
};

/// x (count, axes), in place: x scale + shift, or `dropped`, by draws for the axes that do not share: those of a matrix
/// of that many columns, for which there is room in words (count, columns). ids: null if one draw holds for all rows.
using DropShared = void (*)(void* x, std::size_t count, const DrawAxes& axes, const std::int64_t* ids, const Draw& draw,
                            std::uint32_t* words);

struct DropTable {
  Drop drop[2];      // [dtype]: x times 0 or scale
  Drop add[2];       // x + scale z, z standard normal
  Drop multiply[2];  // x (1 + scale z)
  DropShared drop_shared[2];
};

template <class Isa> const DropTable& drop_table() noexcept;

}  // namespace gs
