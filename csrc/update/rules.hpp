// The optimizers of optimizers/all.hpp with their types erased: what steps and the bindings work with.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/dtype.hpp"
#include "core/field_info.hpp"
#include "core/matrix.hpp"
#include "core/measure.hpp"
#include "optimizers/every.hpp"

namespace gs {

/// A rule's Update<Real> or Measure<Real>, whichever it is.
struct alignas(16) AnyUpdate {
  std::byte bytes[128];
};

inline constexpr std::size_t max_slots = 8;  // of a rule, and of what is kept beside it

struct Rule {
  int index;  // position in Optimizers, and in SweepTable; -1 for a rule that sees matrices
  const char* name;
  std::vector<const char*> slots;
  std::vector<FieldInfo> fields;  // its own, then those of Common
  std::size_t own;                // how many are its own
  unsigned unsigned_slots;        // never negative: a bit a slot
  std::size_t learning_rate;      // which of them
  std::size_t weight_decay;       // which of them
  static constexpr std::size_t nowhere = -1;
  std::array<std::size_t, Common::fields().size()> common_at;  // where each of Common is, or nowhere
  /// The constants of step t from the values of the fields, in their order; null for a rule that measures.
  AnyUpdate (*at)(const double* values, std::int64_t t, Dtype real);
  /// What a slot holds before the first step.
  double (*start)(const double* values, std::size_t slot);

  /// What a rule with a first pass has beside: see core/measure.hpp.
  struct Measuring {
    std::size_t sums = 0;
    bool global = false;
    std::vector<const char*> scalars{};
    AnyUpdate (*first)(const double* values, std::int64_t t, const double* scalars, Dtype real) = nullptr;
    AnyUpdate (*second)(const double* values, std::int64_t t, const double* sums, const double* scalars,
                        Dtype real) = nullptr;
    void (*advance)(const double* values, const double* sums, double* scalars) = nullptr;
  } measuring;
  /// The constants of step t of a rule that sees matrices; null for others. See core/matrix.hpp.
  Factored (*factored)(const double* values, std::int64_t t, Dtype real);
  /// The same of a rule that makes matrices orthogonal, and the fallback rule for vectors.
  Orthogonal (*orthogonal)(const double* values, double rows, double columns);
  /// The same of a rule that finds the curvature of layers; null for others.
  Curvature (*curvature)(const double* values) = nullptr;
  struct Fallback {
    int index = -1;  // position in Optimizers
    AnyUpdate (*at)(const double* values, std::int64_t t, Dtype real) = nullptr;
    double (*decay)(const double* values) = nullptr;  // null: that of the others
  } fallback;

  /// Whether its state has factors of layers, and then no second slot.
  bool has_factors() const { return curvature && slots.size() > 2; }
  /// Whether it reads all elements before it updates the first.
  bool sees_matrices() const { return factored || orthogonal || curvature; }
  bool measures() const { return at == nullptr; }

  /// The values of the fields that are not its own; neutral where it has one of that name itself.
  Common common(const double* values) const;
};

const std::vector<Rule>& rules();

/// Throws std::invalid_argument if there is none of that name.
const Rule& find_rule(const std::string& name);

}  // namespace gs
