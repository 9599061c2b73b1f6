// Losses and metrics that come from Python: what they are, their targets, what rows count for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bindings/arrays.hpp"
#include "bindings/data.hpp"
#include "train/network.hpp"
#include "train/train_loop.hpp"

namespace gs {

/// Keras's name of it; "none" is a sum, for its gradient.
Reduction parse_reduction(const std::string& name);
/// {"kind": name, "of_logits": bool, "reduction": name, "factor": number, and settings by the names of its fields}
LossUse parse_loss(const py::dict& given);
/// loss: as above, or None if Python computes it.
Scoring parse_scoring(const py::object& loss, const std::vector<std::string>& metrics);

/// Rows of numbers of dtype, n a row; or int64, one a row, in [0, n) where they are classes or else ValueError with the
/// row and the value.
Targets check_targets(py::handle y, const std::string& name, const LossUse& loss, Dtype dtype, std::size_t n);
/// The same for a loss and metrics; where neither is there to look at them, any rows in C order.
Targets check_targets(py::handle y, const std::string& name, const Scoring& scoring, Dtype dtype, std::size_t n);

/// An invalid label.
[[noreturn]] void throw_bad_label(const std::string& name, std::int64_t row, std::int64_t label, std::size_t n);

/// What rows count for: float64 (rows,) and bool (rows,), or None.
class RowWeights {
 public:
  RowWeights(const py::object& weights, const py::object& mask, std::size_t rows);
  const double* weights_data() const;
  const std::uint8_t* mask_data() const;
  Data of(Data data) const {
    data.weights = weights_data();
    data.mask = mask_data();
    return data;
  }

 private:
  py::object weights_, mask_;
  std::vector<py::object> pins_;
};

}  // namespace gs
