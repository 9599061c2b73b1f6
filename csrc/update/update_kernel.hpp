// The update of one parameter in one step: the rule's loop, this step's coefficients, and the optional clipping,
// accumulation and averaging around it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/dtype.hpp"
#include "kernels/products/matrix_layout.hpp"
#include "kernels/updates/codec.hpp"
#include "kernels/updates/measure.hpp"
#include "kernels/updates/sweep.hpp"
#include "update/rules.hpp"

namespace gs {

/// What is said once, when an optimizer is made.
struct Options {
  bool maximize = false;
  bool coupled_decay = false;   // weight_decay joins the gradient, as in L2 regularization, and not the weight
  bool average = false;         // keep a running average of the weights
  std::int64_t overwrite = 0;   // steps after which weights are set to their average; 0: never
  std::int64_t accumulate = 1;  // gradients summed for one step
  enum class Nonfinite { propagate, skip, raise } nonfinite = Nonfinite::propagate;
  Storage storage = Storage::real;
  bool stochastic = false;  // bfloat16 parameters are rounded up or down by chance
  std::uint64_t seed = 0;   // of that chance
  bool own_steps = false;   // each parameter counts its own steps, as in PyTorch, and not the optimizer for all
  bool lazy = false;        // a row-sparse gradient concerns its rows only; the others miss the step for good
};

/// Elements [at, at + n) of a parameter, side by side.
struct ParamSlice {
  std::byte* w;  // the first of them
  Dtype w_dtype;
  const std::byte* g;
  Dtype g_dtype;
  void* const* state;    // a slot: of the whole parameter
  float* const* scales;  // a slot: of the whole parameter, one for 256 elements; only of int8
  std::size_t at, n;     // at: a multiple of 256 where the state is int8
  std::uint32_t number;  // of the parameter, for what is drawn
};

struct UpdateKernel {
  Sweep sweep = nullptr;
  AnyUpdate update{};
  Measure first = nullptr;  // of a rule that measures
  AnyUpdate first_update{};
  Factors factors{};
  Dtype real = Dtype::f32;
  std::size_t slots = 0;  // of the rule
  double limit = inf;     // of a number in the gradient, after its factor
  double couple = 0;      // share of the weight that joins the gradient
  int sum = -1;           // slot of the accumulated gradients
  bool only_sum = false;  // no update yet
  int average = -1;       // slot of the averaged weights
  double average_keep = 0;
  bool overwrite = false;
  Storage storage = Storage::real;
  bool stochastic = false;  // of bfloat16
  std::uint64_t seed = 0;
  std::uint64_t t = 0;
  std::shared_ptr<const Dither> dither;  // of state in fewer bits
  bool plain = true;                     // nothing is asked but the rule and its factors

  /// Where the state of elements from `at` on lies, as the sweep takes it.
  using Pointers = std::array<void*, 2 * max_slots + 2>;
  Pointers state_at(const ParamSlice& slice, std::size_t at) const;

  /// Updates elements; scale: of the gradient, beside that of `factors`.
  void apply(const ParamSlice& slice, double scale = 1) const;

  /// What a step does to elements without a gradient: their average goes on, and may take the weights' place.
  void average_only(const ParamSlice& slice) const;

  /// The first pass: adds to `lanes` what the rule sums. Slices but the last have a multiple of sum_lanes elements.
  void measure(const ParamSlice& slice, double scale, double* lanes) const;

  /// Whether a weight of type Real can be updated by `sweep` alone, its gradient times `scale` and that of `factors`.
  bool is_plain(Dtype w, Dtype g, double scale) const {
    return plain && w == real && g == real && holds(real, factors.scale * scale);
  }
};

/// The n elements of a slot in another storage than `real`, as numbers; has_signs: whether its rule may make them
/// negative.
void read(Storage storage, const void* slot, const float* scales, std::size_t n, bool has_signs, float* out);

/// Sets n elements of a slot to a number.
void fill(Storage storage, Dtype real, void* slot, float* scales, std::size_t n, double start, bool has_signs);

}  // namespace gs
