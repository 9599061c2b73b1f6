// Element types: what lies in memory (Param) and what sums are done in (Real).
#pragma once

#include <cstddef>

#include "core/portable.hpp"

namespace gs {

enum class Dtype { f32, f64, f16, bf16 };

constexpr std::size_t item_size(Dtype dtype) { return dtype == Dtype::f32 ? 4 : dtype == Dtype::f64 ? 8 : 2; }

/// The type arithmetic on a Param is done in. Half-width types specialise this to float, and add a load and a store.
template <class Param> struct RealOf {
  using type = Param;
};
template <class Param> using Real = typename RealOf<Param>::type;

HD float load(const float& p) { return p; }
HD double load(const double& p) { return p; }
HD void store(float& p, float value) { p = value; }
HD void store(double& p, double value) { p = value; }

}  // namespace gs
