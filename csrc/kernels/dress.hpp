// What is done to gradients before a rule and to weights after it, over numbers that lie side by side.
#pragma once

#include <cstddef>

#include "kernels/isa.hpp"

namespace gs {

template <class Real> struct Dressing {
  // g, w (n) -> out (n): g times scale, cut to [-limit, limit], and couple times w; out may be g
  void (*prepare)(const Real* g, const Real* w, Real* out, std::size_t n, double scale, double limit, double couple);
  // sum += g (n)
  void (*add)(Real* sum, const Real* g, std::size_t n);
  // average = keep average + (1 - keep) w (n)
  void (*average)(Real* average, const Real* w, std::size_t n, double keep);
  // The sum of squares of g (n), in double and in a fixed order: the same bits on every instruction set
  double (*squares)(const Real* g, std::size_t n);
  // Whether all of g (n) are finite
  bool (*finite)(const Real* g, std::size_t n);
};

struct DressTable {
  Dressing<float> f32;
  Dressing<double> f64;
};

template <class Isa> const DressTable& dress_table() noexcept;

}  // namespace gs
