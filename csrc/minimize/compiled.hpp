// Functions in machine code, without Python.
#pragma once

#include <cstddef>
#include <cstdint>

#include "minimize/counted.hpp"

namespace gs::minimize {

/// `double f(intptr n, const double *x, double *grad_or_NULL, void *user)`, or the same with float.
struct MachineCode {
  void* address;
  void* user;
  bool is_single;
  bool always_fills;  // writes the gradient without a look at the pointer, which must not be null then

  /// f(x), and its gradient unless g is null; x and g of n doubles. single: 2 n floats, for code of float.
  double operator()(std::size_t n, const double* x, double* g, float* single) const {
    if (!is_single)
      return reinterpret_cast<double (*)(std::intptr_t, const double*, double*, void*)>(address)(std::intptr_t(n), x, g,
                                                                                                 user);
    for (std::size_t i = 0; i < n; ++i) single[i] = float(x[i]);
    const float f = reinterpret_cast<float (*)(std::intptr_t, const float*, float*, void*)>(address)(
        std::intptr_t(n), single, g ? single + n : nullptr, user);
    if (g)
      for (std::size_t i = 0; i < n; ++i) g[i] = double(single[n + i]);
    return double(f);
  }
};

class Compiled : public Counted {
 public:
  /// wants_gradients: whether value() gives the gradient too.
  Compiled(std::size_t n, const MachineCode& code, bool wants_gradients, void (*drop)(void*) = nullptr)
      : Counted(n, drop), code(code), wants_gradients_(wants_gradients) {
    is_pair = true;
    if (code.is_single) single_.resize(2 * n);
  }
  void value(Point& point) override {
    spend();
    if (!wants_gradients_) {
      Vector unread;
      if (code.always_fills) unread = vectors.make();
      point.f = code(n, point.x.data(), unread ? unread.data() : nullptr, single_.data());
      return saw(point);
    }
    point.g = vectors.make();
    point.f = code(n, point.x.data(), point.g.data(), single_.data());
    ++njev;
    saw(point);
  }
  void gradient(Point& point) override {
    point.g = vectors.make();
    code(n, point.x.data(), point.g.data(), single_.data());
    ++njev;
  }
  const MachineCode code;

 private:
  const bool wants_gradients_;
  std::vector<float> single_;
};

}  // namespace gs::minimize
