// One optimizer over many arrays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/dtype.hpp"
#include "engine/rules.hpp"
#include "engine/strided.hpp"

namespace gs {

/// An array that an optimizer moves, with its state: an array a slot, contiguous, shape of the parameter.
struct Parameter {
  Dtype dtype;
  Layout layout;
  std::byte* data;
  std::vector<void*> state;
};

/// A parameter and the gradient it is to move by; the gradient has the parameter's dtype and shape.
struct Move {
  const Parameter* parameter;
  const std::byte* gradient;
  const Layout* layout;  // of the gradient; only `contiguous` counts where it is true
};

/// The values of a field that changes from step to step, made ahead.
struct Track {
  std::size_t field;           // position in rule.fields
  std::int64_t first = 0;      // steps done when values[0] counts
  std::vector<double> values;  // one a step; whoever steps makes sure that they reach far enough
};

/// A rule with its numbers and its step counter. Not safe to use from two threads at once.
class Optimizer {
 public:
  Optimizer(const Rule& rule, std::vector<double> values) : rule(rule), values(std::move(values)) {}

  /// Brings `values` up to the step to come.
  void follow() {
    for (const Track& track : tracks) values[track.field] = track.values[std::size_t(t - track.first)];
  }

  /// The constants of the step to come.
  AnyUpdate next(Dtype dtype) {
    follow();
    return rule.at(values.data(), t + 1, dtype);
  }

  /// One step: moves every parameter once and counts. Same bits for any number of threads.
  void step(const std::vector<Move>& moves);

  const Rule& rule;
  std::vector<double> values;  // in the order of rule.fields
  std::vector<Track> tracks;   // of the fields that change by themselves
  std::int64_t t = 0;          // steps done
};

}  // namespace gs
