// Losses and metrics that come from Python: what they are, their targets, what rows count for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bindings/arrays/arrays.hpp"
#include "bindings/arrays/data.hpp"
#include "graph/shape.hpp"
#include "train/loop/train_loop.hpp"
#include "train/plan/network.hpp"

namespace gs {

/// Keras's name of it; "none" is a sum, for its gradient.
Reduction parse_reduction(const std::string& name);
/// {"kind": name, "of_logits": bool, "reduction": name, "factor": number, and settings by the names of its fields}
LossUse parse_loss(const py::dict& given);
/// loss: a dict as above, a Python function that computes it, or None for no loss.
Scoring parse_scoring(const py::handle& loss, const std::vector<std::string>& metrics);

/// What scores an output, of rows of a shape: (rows, numbers of the shape) of dtype; or int64 (rows,), or (rows, all
/// but the last axis), in [0, n) where they are classes of n outputs or else ValueError with the row and the value;
/// where neither a loss nor a metric is there to look at them, any rows.
Targets check_targets(py::handle y, const std::string& name, const Scoring& scoring, Dtype dtype, const Shape& shape);

/// An invalid label.
[[noreturn]] void throw_bad_label(const std::string& name, std::int64_t row, std::int64_t label, std::size_t n);

/// What rows count for: float64 (rows,) and bool (rows,), or None.
class RowWeights {
 public:
  RowWeights(const py::object& weights, const py::object& mask, std::size_t rows);
  const double* weights_data() const;
  const std::uint8_t* mask_data() const;

 private:
  py::object weights_, mask_;
  std::vector<py::object> pins_;
};

}  // namespace gs
