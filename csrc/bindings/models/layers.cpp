// Activations, losses and accuracies on arrays, outside any network.
#include <pybind11/pybind11.h>

#include <string>
#include <vector>

#include "bindings/arrays/arrays.hpp"
#include "bindings/arrays/data.hpp"
#include "bindings/models/scoring.hpp"
#include "bindings/module.hpp"
#include "graph/activations.hpp"
#include "runtime/dispatch.hpp"
#include "train/outputs/scores.hpp"

namespace gs {
namespace {

// x in C order, aligned, float32 or float64: itself if it is so already (no write goes to it).
py::array c_order(const py::array& x, const std::string& name) {
  float_dtype(x, name);
  return py::array::ensure(x, py::array::c_style);
}

// Calls visit(offset in bytes, count) for what an activation takes at once: a row, or all.
template <class Visit> void pieces(const MapTable::Row& f, const py::array& x, Visit visit) {
  const auto size = std::size_t(x.size());
  if (size == 0) return;
  if (f.rowwise && x.ndim() == 0)
    throw py::value_error(std::string(f.name) + " needs an array with an axis to sum over; got a 0-d array.");
  const std::size_t count = f.rowwise ? std::size_t(x.shape(x.ndim() - 1)) : size;
  for (std::size_t i = 0; i < size; i += count) visit(i * std::size_t(x.itemsize()), count);
}

py::array activation(const py::object& use, const py::array& given) {
  const ActivationUse chosen = parse_activation(use);
  const MapTable::Row& f = kernels().map.of[chosen.index];
  const py::array x = c_order(given, "x");
  const int dtype = int(float_dtype(x, "x"));
  py::array y = aligned_zeros({x.shape(), x.shape() + x.ndim()}, Dtype(dtype));
  pieces(f, x, [&](std::size_t at, std::size_t n) {
    f.forward[dtype](chosen.settings.data(), bytes(x) + at, bytes(y) + at, MatrixLayout(n));
  });
  return y;
}

py::array activation_backward(const py::object& use, const py::array& given, const py::array& gradient) {
  const ActivationUse chosen = parse_activation(use);
  const MapTable::Row& f = kernels().map.of[chosen.index];
  const py::array x = c_order(given, "x"), dy = c_order(gradient, "dy");
  const int dtype = int(float_dtype(x, "x"));
  if (!dy.dtype().equal(x.dtype()) || !dy.attr("shape").equal(x.attr("shape")))
    throw py::value_error("dy must have the shape and dtype of x, " + shape_text(x) + "; got " + shape_text(dy) + ".");
  py::array y = activation(use, x);
  py::array dx = aligned_zeros({x.shape(), x.shape() + x.ndim()}, Dtype(dtype));
  pieces(f, x, [&](std::size_t at, std::size_t n) {
    f.backward[dtype](chosen.settings.data(), bytes(x) + at, bytes(y) + at, bytes(dy) + at, bytes(dx) + at,
                      MatrixLayout(n));
  });
  return dx;
}

py::tuple loss(const py::dict& given, const py::array& y_true, const py::array& y_pred, const py::object& weights,
               const py::object& mask, bool gradient) {
  const LossUse use = parse_loss(given);
  const py::array y = c_order(y_pred, "y_pred");
  const Dtype dtype = float_dtype(y, "y_pred");
  if (y.ndim() != 2) throw py::value_error("y_pred must have shape (rows, n); its shape is " + shape_text(y) + ".");
  const auto rows = std::size_t(y.shape(0)), n = std::size_t(y.shape(1));
  if (n == 0) throw py::value_error("y_pred must have at least one column; its shape is " + shape_text(y) + ".");
  const Targets targets = check_targets(y_true, "y_true", Scoring{use, {}}, dtype, {n});
  if (targets.rows != rows)
    throw py::value_error("y_true and y_pred must have as many rows; got " + std::to_string(targets.rows) + " and " +
                          std::to_string(rows) + ".");
  const RowWeights counted(weights, mask, rows);
  std::vector<const void*> at(rows);
  for (std::size_t i = 0; i < rows; ++i) at[i] = targets.data + i * targets.row_size;
  std::vector<double> scales(rows);
  std::vector<std::uint8_t> counts(rows);
  py::array_t<double> values(static_cast<py::ssize_t>(rows));
  py::object dy = py::none();
  if (gradient) dy = aligned_zeros({y.shape(0), y.shape(1)}, dtype);
  const LossReduction before = use.reduction_over(rows, counted.weights_data(), counted.mask_data());
  const LossReduction over =
      use.score(dtype, at.data(), bytes(y), n, before, scales.data(), counts.data(), values.mutable_data(),
                gradient ? bytes(py::reinterpret_borrow<py::array>(dy)) : nullptr);
  return py::make_tuple(over.loss(values.data()), values, dy);
}

py::tuple reduce(const std::string& reduction, const py::array& values, const py::object& weights,
                 const py::object& mask) {
  const py::array checked = check_rows<double>(values, "values", -1);
  const auto rows = std::size_t(checked.shape(0));
  const RowWeights counted(weights, mask, rows);
  const LossReduction over{parse_reduction(reduction), rows, counted.weights_data(), counted.mask_data()};
  py::array_t<double> scales(checked.shape(0));
  over.gradient_scales(scales.mutable_data());
  return py::make_tuple(over.loss(reinterpret_cast<const double*>(bytes(checked))), scales);
}

}  // namespace

void bind_layers(py::module_& m) {
  m.def("activations", [] {
    py::dict all;
    for (const ActivationInfo& f : activations()) {
      py::list fields;
      for (const FieldInfo& field : f.fields) fields.append(describe(field));
      all[f.name] = py::tuple(fields);
    }
    return all;
  });
  m.def("activation", &activation);
  m.def("activation_backward", &activation_backward);
  m.def("losses", [] {
    py::dict all;
    for (const ScoreInfo& s : scores()) {
      py::list fields;
      for (const FieldInfo& f : s.fields) fields.append(describe(f));
      if (s.is_loss) all[s.name] = py::tuple(fields);
    }
    return all;
  });
  m.def("whole_batch_losses", [] {
    py::list names;
    for (const ScoreInfo& s : scores())
      if (s.is_loss && s.whole_batch) names.append(s.name);
    return py::tuple(names);
  });
  m.def("metrics", [] {
    py::list names;
    for (const ScoreInfo& s : scores())
      if (!s.one_value && !s.only_positive) names.append(s.name);
    return py::tuple(names);
  });
  m.def("loss", &loss, py::arg("loss"), py::arg("y_true"), py::arg("y_pred"), py::arg("weights") = py::none(),
        py::arg("mask") = py::none(), py::arg("gradient") = true);
  m.def("check_loss", [](const py::dict& given) { parse_loss(given); });
  m.def("reduce", &reduce);
}

}  // namespace gs
