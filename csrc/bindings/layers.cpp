// Activations, losses and accuracies on arrays, outside any network.
#include <pybind11/pybind11.h>

#include <string>
#include <vector>

#include "bindings/arrays.hpp"
#include "bindings/data.hpp"
#include "bindings/module.hpp"
#include "engine/activations.hpp"
#include "engine/dispatch.hpp"
#include "engine/scores.hpp"

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
    f.forward[dtype](chosen.settings.data(), bytes(x) + at, bytes(y) + at, Area(n));
  });
  return y;
}

py::array activation_backward(const py::object& use, const py::array& given, const py::array& slope) {
  const ActivationUse chosen = parse_activation(use);
  const MapTable::Row& f = kernels().map.of[chosen.index];
  const py::array x = c_order(given, "x"), dy = c_order(slope, "dy");
  const int dtype = int(float_dtype(x, "x"));
  if (!dy.dtype().equal(x.dtype()) || !dy.attr("shape").equal(x.attr("shape")))
    throw py::value_error("dy must have the shape and dtype of x, " + shape_text(x) + "; got " + shape_text(dy) + ".");
  py::array y = activation(use, x);
  py::array dx = aligned_zeros({x.shape(), x.shape() + x.ndim()}, Dtype(dtype));
  pieces(f, x, [&](std::size_t at, std::size_t n) {
    f.backward[dtype](chosen.settings.data(), bytes(x) + at, bytes(y) + at, bytes(dy) + at, bytes(dx) + at, Area(n));
  });
  return dx;
}

py::tuple loss(const std::string& name, bool from_logits, const py::array& y_true, const py::array& given) {
  const ScoreInfo& info = find_score(name, true);
  const py::array y = c_order(given, "y_pred");
  const Dtype dtype = float_dtype(y, "y_pred");
  if (y.ndim() != 2) throw py::value_error("y_pred must have shape (rows, n); its shape is " + shape_text(y) + ".");
  const auto n = std::size_t(y.shape(1));
  if (n == 0) throw py::value_error("y_pred must have at least one column; its shape is " + shape_text(y) + ".");
  const Targets targets = check_targets(y_true, "y_true", info.labels, dtype, n);
  if (targets.rows != std::size_t(y.shape(0)))
    throw py::value_error("y_true and y_pred must have as many rows; got " + std::to_string(targets.rows) + " and " +
                          std::to_string(y.shape(0)) + ".");
  std::vector<const void*> at(targets.rows);
  for (std::size_t i = 0; i < targets.rows; ++i) at[i] = targets.data + i * targets.row_size;
  py::array_t<double> values(static_cast<py::ssize_t>(targets.rows));
  py::array slope = aligned_zeros({y.shape(0), y.shape(1)}, dtype);
  loss_rows(info, from_logits, int(dtype))(at.data(), bytes(y), targets.rows, n, 1.0, values.mutable_data(),
                                           bytes(slope));
  return py::make_tuple(values, slope);
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
    py::list names;
    for (const ScoreInfo& s : scores())
      if (s.is_loss) names.append(s.name);
    return py::tuple(names);
  });
  m.def("metrics", [] {
    py::list names;
    for (const ScoreInfo& s : scores()) names.append(s.name);
    return py::tuple(names);
  });
  m.def("loss", &loss);
}

}  // namespace gs
