// The loops of optimizers around others: SAM's way to a neighbour, Lookahead's end of a walk.
#pragma once

#include <cstddef>

#include "kernels/isa.hpp"

namespace gs {

template <class Real> struct WrapperLoops {
  // w (n) += share g (n); adaptive: share w^2 g
  void (*climb)(Real* w, const Real* g, std::size_t n, double share, bool adaptive);
  // out (n), in double: by g, times w unless that is null
  void (*weigh)(const Real* g, const Real* w, std::size_t n, double by, double* out);
  // slow (n) goes `part` of the way to fast (n), which then is where slow is
  void (*meet)(Real* fast, Real* slow, std::size_t n, double part);
};

struct WrappersTable {
  WrapperLoops<float> f32;
  WrapperLoops<double> f64;
};

template <class Isa> const WrappersTable& wrappers_table() noexcept;

}  // namespace gs
