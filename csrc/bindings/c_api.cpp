#include "bindings/c_api.hpp"

#include <pybind11/pybind11.h>

#include <cstring>

#include "bindings/module.hpp"
#include "runtime/dispatch.hpp"
#include "runtime/subnormals.hpp"
#include "update/rules.hpp"

namespace gs {
namespace {

int find(const char* name) {
  for (const Rule& rule : rules())
    if (std::strcmp(rule.name, name) == 0 && !rule.measures() && !rule.curvature) return rule.index;
  return -1;
}

template <class Real>
int step(int index, const double* values, std::int64_t t, Real* w, const Real* g, Real* state, std::size_t n) {
  if (index < 0 || std::size_t(index) >= rules().size() || t < 1) return -1;
  const Rule& rule = rules()[std::size_t(index)];
  if (rule.measures()) return -1;
  for (std::size_t i = 0; i < rule.own; ++i)
    if (!rule.fields[i].admits(values[i])) return -1;
  const int dtype = dtype_of<Real>();
  const AnyUpdate update = rule.at(values, t, Dtype(dtype));
  const bool decays = rule.weight_decay < rule.own && rule.common_at[0] == rule.weight_decay;
  const Factors factors{decays ? 1 - values[rule.learning_rate] * values[rule.weight_decay] : 1, 1};
  void* slots[max_slots];
  for (std::size_t s = 0; s < rule.slots.size(); ++s) slots[s] = state + s * n;
  const FlushSubnormals flush;
  kernels().sweep.sweep[index][dtype](&update, factors, w, g, slots, MatrixLayout(n));
  return 0;
}

}  // namespace

void bind_c_api(pybind11::module_& m) {
  static gradstep_step_api api{find, step<float>, step<double>};
  m.def("step_api", [] { return pybind11::capsule(&api, "gradstep.step_api"); });
}

}  // namespace gs
