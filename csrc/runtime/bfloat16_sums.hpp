// Vectors of bfloat16 that are added up: each number is computed in float and rounded to the nearest.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gs {

// x (n) -> out (n) = weight x
template <class Real> void scale_to_bfloat16(const Real* x, double weight, std::uint16_t* out, std::size_t n);
// sum (n), more (n) -> sum += more
void add_bfloat16(std::uint16_t* sum, const std::uint16_t* more, std::size_t n);
// x (n) -> x / divisor
void divide_bfloat16(std::uint16_t* x, double divisor, std::size_t n);
// x (n) -> out (n)
template <class Real> void read_bfloat16(const std::uint16_t* x, Real* out, std::size_t n);

}  // namespace gs
