#include "runtime/bfloat16_sums.hpp"

#include <algorithm>

#include "runtime/dispatch.hpp"

namespace gs {
namespace {

constexpr std::size_t block = 2048;  // floats that stay in the first cache

/// work(first, count) over blocks of n numbers.
template <class Work> void each_block(std::size_t n, Work work) {
  for (std::size_t at = 0; at < n; at += block) work(at, std::min(block, n - at));
}

const HalfCodec& codec() { return half_codec(Dtype::bf16); }

}  // namespace

template <class Real> void scale_to_bfloat16(const Real* x, double weight, std::uint16_t* out, std::size_t n) {
  const Real factor = Real(weight);
  float numbers[block];
  each_block(n, [&](std::size_t at, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) numbers[i] = float(x[at + i] * factor);
    codec().from_float(numbers, out + at, count);
  });
}

void add_bfloat16(std::uint16_t* sum, const std::uint16_t* more, std::size_t n) {
  float left[block], right[block];
  each_block(n, [&](std::size_t at, std::size_t count) {
    codec().to_float(sum + at, left, count);
    codec().to_float(more + at, right, count);
    for (std::size_t i = 0; i < count; ++i) left[i] += right[i];
    codec().from_float(left, sum + at, count);
  });
}

void divide_bfloat16(std::uint16_t* x, double divisor, std::size_t n) {
  const float by = float(divisor);
  float numbers[block];
  each_block(n, [&](std::size_t at, std::size_t count) {
    codec().to_float(x + at, numbers, count);
    for (std::size_t i = 0; i < count; ++i) numbers[i] /= by;
    codec().from_float(numbers, x + at, count);
  });
}

template <class Real> void read_bfloat16(const std::uint16_t* x, Real* out, std::size_t n) {
  if constexpr (sizeof(Real) == sizeof(float))
    codec().to_float(x, out, n);
  else
    codec().to_double(x, out, n);
}

template void scale_to_bfloat16(const float*, double, std::uint16_t*, std::size_t);
template void scale_to_bfloat16(const double*, double, std::uint16_t*, std::size_t);
template void read_bfloat16(const std::uint16_t*, float*, std::size_t);
template void read_bfloat16(const std::uint16_t*, double*, std::size_t);

}  // namespace gs
