// The attributes of a weight: whether it is trained, its penalty, its constraint.
#pragma once

#include <cstddef>
#include <vector>

#include "core/describe.hpp"
#include "runtime/buffer.hpp"
#include "runtime/threads.hpp"

namespace gs {

/// What weights must be after each step.
struct Constraint {
  enum class Kind { none, non_negative, norm } kind = Kind::none;
  double low = 0, high = inf, rate = 1;  // bounds of norms, and how much of the way to them is gone at once
  enum class Axis { first, last, all } axis = Axis::first;  // along which norms are taken
};

/// Part of the loss: (l1 + proximal) sum |w| + l2 sum w^2 + orthogonal * mean |cos| of the angles between the rows, or
/// columns. The gradient of `proximal` is not taken: its share is cut off after each step, which leaves exact zeros.
struct Penalty {
  double l1 = 0, proximal = 0, l2 = 0, orthogonal = 0;
  bool of_rows = true;

  bool elementwise() const { return l1 != 0 || proximal != 0 || l2 != 0; }
  explicit operator bool() const { return elementwise() || orthogonal != 0; }
};

struct WeightAttributes {
  std::size_t rows = 0, columns = 1;  // of the weight; a vector has 0 rows
  bool trainable = true;
  bool updated = true;   // a layer that updates it by itself in training may do so
  bool moves = false;    // a layer outside the engine may change it
  bool by_rows = false;  // it is a table of which one layer reads rows, once
  Penalty penalty{};
  Constraint constraint{};

  /// Whether anything is done to it after a step.
  bool follows_steps() const {
    return trainable && (penalty.proximal != 0 || constraint.kind != Constraint::Kind::none);
  }
  /// Whether it may be a statistic of the data: a vector that is not trained, and that its layer updates.
  bool is_statistic() const { return !trainable && (rows == 0 || moves); }
  std::size_t size() const { return rows ? rows * columns : columns; }
};

/// Its value at w (rows, columns); and unless `gradient` is null the gradient of the orthogonal part, written there.
template <class Real> double penalty_at(const Real* w, const WeightAttributes& attributes, Real* gradient = nullptr);

/// Its value at w, and its gradient, but for the part of `proximal`, added to g of the shape of w.
template <class Real> double penalize(const Real* w, const WeightAttributes& attributes, Real* g);

/// What comes after a step: w is shrunk by `amount`, and brought within its constraint.
template <class Real> void constrain(Real* w, const WeightAttributes& attributes, double amount, ThreadTeam& team);

}  // namespace gs
