// What the gradient of a weight is the sum of, over the calls of its layer.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "graph/convolution/conv_gradients.hpp"
#include "graph/jobs.hpp"
#include "graph/lookup.hpp"
#include "graph/recurrence/step_gradients.hpp"
#include "graph/sparse_input.hpp"

namespace gs {

template <class Real> struct Gradient {
  std::vector<Product<Real>> products;
  std::vector<ConvTerm<Real>> windows;
  std::vector<GradParts<Real>> parts;
  std::vector<std::vector<StepTerm<Real>>> steps;  // (part, call)
  std::vector<LookupTerm<Real>> lookups;
  const SparseTerm<Real>* entries = nullptr;
  std::vector<Matrix<const Real>> sums;
  std::vector<const void*> reads;

  /// What makes it, and updates the weight by it.
  std::unique_ptr<GradJob<Real>> job(const Weight<Real>& w, const UpdateEpilogue& epilogue) {
    if (!parts.empty()) return std::make_unique<PartsGradJob<Real>>(std::move(parts), w, epilogue);
    if (!windows.empty()) return std::make_unique<ConvGradJob<Real>>(std::move(windows), w, epilogue);
    if (!steps.empty()) return std::make_unique<StepGradJob<Real>>(std::move(steps), w, epilogue);
    if (!lookups.empty()) return std::make_unique<LookupGradJob<Real>>(std::move(lookups), w, epilogue);
    if (entries) return std::make_unique<SparseGradJob<Real>>(*entries, w, epilogue);
    if (!sums.empty()) return std::make_unique<BiasGradJob<Real>>(std::move(sums), w, epilogue);
    return std::make_unique<WeightGradJob<Real>>(std::move(products), w, epilogue);
  }
};

}  // namespace gs
