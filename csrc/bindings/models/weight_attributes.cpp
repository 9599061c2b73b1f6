#include "bindings/models/weight_attributes.hpp"

#include <pybind11/stl.h>

#include <algorithm>
#include <map>
#include <string>

#include "bindings/module.hpp"
#include "runtime/threads.hpp"

namespace gs {
namespace {

void read(const py::dict& given, const char* name, double& value) {
  if (!given.contains(name)) return;
  value = given[name].cast<double>();
  if (!(value >= 0)) throw py::value_error(std::string(name) + " must be at least 0.");
}

template <class T> T one_of(const py::dict& given, const char* name, const std::map<std::string, T>& words) {
  const auto word = given[name].cast<std::string>();
  const auto found = words.find(word);
  if (found == words.end()) throw py::value_error(std::string(name) + " cannot be " + word + ".");
  return found->second;
}

Constraint parse_constraint(const py::dict& given) {
  using Kind = Constraint::Kind;
  using Axis = Constraint::Axis;
  Constraint constraint;
  constraint.kind = one_of<Kind>(given, "kind", {{"non_negative", Kind::non_negative}, {"norm", Kind::norm}});
  if (constraint.kind != Kind::norm) return constraint;
  read(given, "low", constraint.low);
  read(given, "high", constraint.high);
  read(given, "rate", constraint.rate);
  constraint.axis = one_of<Axis>(given, "axis", {{"first", Axis::first}, {"last", Axis::last}, {"all", Axis::all}});
  return constraint;
}

// w (columns,) or (rows, columns) in C order; its attributes have its shape.
WeightAttributes treatment_of(const py::array& w, const py::dict& given) {
  if (w.ndim() != 1 && w.ndim() != 2)
    throw py::value_error("w must have one dimension or two; its shape is " + shape_text(w) + ".");
  WeightAttributes attributes = parse_weight_attributes(given);
  attributes.rows = w.ndim() == 2 ? std::size_t(w.shape(0)) : 0;
  attributes.columns = std::size_t(w.shape(w.ndim() - 1));
  return attributes;
}

template <class Visit> auto of_type(const py::array& w, Visit visit) {
  return float_dtype(w, "w") == Dtype::f32 ? visit(float{}) : visit(double{});
}

double penalty(const py::array& given, const py::dict& settings) {
  const py::array w = py::array::ensure(given, py::array::c_style);
  const WeightAttributes attributes = treatment_of(w, settings);
  return of_type(w,
                 [&](auto real) { return penalty_at(reinterpret_cast<const decltype(real)*>(bytes(w)), attributes); });
}

double add_slope(const py::array& w, const py::dict& settings, const py::array& g) {
  const WeightAttributes attributes = treatment_of(w, settings);
  check_writable(g, "g");
  for (const py::array& each : {w, g})
    if (!(each.flags() & py::array::c_style) || !each.attr("shape").equal(w.attr("shape")) ||
        float_dtype(each, "g") != float_dtype(w, "w"))
      throw py::value_error("w and g must be arrays of one shape and dtype in C order.");
  return of_type(w, [&](auto real) {
    using Real = decltype(real);
    return gs::penalize(reinterpret_cast<const Real*>(bytes(w)), attributes, reinterpret_cast<Real*>(bytes(g)));
  });
}

py::array constrained(const py::array& given, const py::dict& settings, double amount) {
  float_dtype(given, "w");
  const py::array from = py::array::ensure(given, py::array::c_style);
  const WeightAttributes attributes = treatment_of(from, settings);
  py::array w = aligned_zeros({from.shape(), from.shape() + from.ndim()}, float_dtype(from, "w"));
  std::copy(bytes(from), bytes(from) + from.nbytes(), bytes(w));
  if (w.size() > 0)
    of_type(w, [&](auto real) {
      ThreadTeam::run(1, [&](ThreadTeam& team) {
        constrain(reinterpret_cast<decltype(real)*>(bytes(w)), attributes, amount, team);
      });
    });
  return w;
}

}  // namespace

Penalty parse_penalty(const py::dict& given) {
  Penalty penalty;
  read(given, "l1", penalty.l1);
  read(given, "proximal", penalty.proximal);
  read(given, "l2", penalty.l2);
  read(given, "orthogonal", penalty.orthogonal);
  if (given.contains("of_rows")) penalty.of_rows = given["of_rows"].cast<bool>();
  return penalty;
}

WeightAttributes parse_weight_attributes(const py::handle& given) {
  WeightAttributes attributes;
  if (given.is_none()) return attributes;
  const auto settings = given.cast<py::dict>();
  if (settings.contains("trainable")) attributes.trainable = settings["trainable"].cast<bool>();
  if (settings.contains("updated")) attributes.updated = settings["updated"].cast<bool>();
  if (settings.contains("penalty")) attributes.penalty = parse_penalty(settings["penalty"].cast<py::dict>());
  if (settings.contains("constraint"))
    attributes.constraint = parse_constraint(settings["constraint"].cast<py::dict>());
  return attributes;
}

void bind_weight_attributes(py::module_& m) {
  m.def("penalty", &penalty);
  m.def("penalize", &add_slope);
  m.def("constrained", &constrained, py::arg("w"), py::arg("settings"), py::arg("amount") = 0.0);
}

}  // namespace gs
