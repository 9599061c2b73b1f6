#include "bindings/optimizers.hpp"

#include <pybind11/stl.h>

#include <algorithm>
#include <stdexcept>

#include "bindings/module.hpp"

namespace gs {
namespace {

std::vector<double> checked_values(const Rule& rule, const std::map<std::string, double>& given) {
  std::vector<double> values;
  for (const FieldInfo& f : rule.fields) {
    const auto found = given.find(f.name);
    values.push_back(found == given.end() ? f.start : found->second);
    check_field(f, values.back());
  }
  for (const auto& [name, value] : given) {
    (void)value;
    const bool known =
        std::any_of(rule.fields.begin(), rule.fields.end(), [&n = name](auto& f) { return n == f.name; });
    if (!known) throw py::type_error(std::string(rule.name) + " has no hyperparameter " + name + ".");
  }
  return values;
}

Dtype check_parameter(const py::array& array, const std::string& name) {
  const Dtype dtype = float_dtype(array, name);
  check_writable(array, name);
  check_own_memory(array, name);
  return dtype;
}

bool has_shape(const py::array& array, const Layout& layout) {
  return std::size_t(array.ndim()) == layout.shape.size() &&
         std::equal(layout.shape.begin(), layout.shape.end(), array.shape());
}

bool has_layout(const py::array& array, const Layout& layout) {
  return has_shape(array, layout) && std::equal(layout.strides.begin(), layout.strides.end(), array.strides());
}

void check_shape(const py::array& parameter, const py::array& gradient, const std::string& label) {
  if (!gradient.attr("shape").equal(parameter.attr("shape")))
    throw py::value_error(noun("gradient", label) + " has shape " + shape_text(gradient) +
                          "; its parameter has shape " + shape_text(parameter) + ".");
}

void check_dtype(Dtype parameter, const py::array& gradient, const std::string& label) {
  if (float_dtype(gradient, noun("gradient", label)) != parameter)
    throw py::type_error(noun("gradient", label) + " is " + std::string(py::str(gradient.dtype())) +
                         "; its parameter is " + std::string(py::str(numpy_dtype(parameter))) + ".");
}

void check_pair(const py::array& parameter, const py::array& gradient, const std::string& label) {
  if (overlaps(parameter, gradient))
    throw py::value_error(noun("gradient", label) + " must not overlap a parameter: it would change while it is read.");
}

}  // namespace

PyOptimizer::PyOptimizer(const std::string& rule, const std::map<std::string, double>& values)
    : engine(find_rule(rule), checked_values(find_rule(rule), values)) {}

void PyOptimizer::check_idle() const {
  if (busy_) throw std::runtime_error("this optimizer is in the middle of a step on another thread.");
}

const FieldInfo& PyOptimizer::field(const std::string& name, std::size_t& at) const {
  for (at = 0; at < engine.rule.fields.size(); ++at)
    if (name == engine.rule.fields[at].name) return engine.rule.fields[at];
  throw py::attribute_error(std::string(engine.rule.name) + " has no hyperparameter " + name + ".");
}

double PyOptimizer::get(const std::string& name) const {
  std::size_t at;
  field(name, at);
  return engine.values[at];
}

void PyOptimizer::set(const std::string& name, double value) {
  std::size_t at;
  check_field(field(name, at), value);
  engine.values[at] = value;
}

void PyOptimizer::schedule(const std::string& name, py::object make) {
  check_idle();
  std::size_t at;
  field(name, at);
  auto& tracks = engine.tracks;
  const auto old = std::find_if(tracks.begin(), tracks.end(), [&](const Track& track) { return track.field == at; });
  if (old == tracks.end()) {
    sources_.push_back({std::move(make), 0});
    tracks.push_back({at, engine.t, {}});
  } else {
    sources_[std::size_t(old - tracks.begin())] = {std::move(make), 0};
    old->values.clear();
  }
}

void PyOptimizer::prepare(std::size_t i, std::int64_t steps) {
  Track& track = engine.tracks[i];
  Source& source = sources_[i];
  const FieldInfo& f = engine.rule.fields[track.field];
  std::int64_t begin = engine.t - track.first;
  if (begin < 0 || begin > source.good || begin + steps > std::int64_t(track.values.size())) {
    const auto made = py::array_t<double, py::array::c_style>::ensure(source.make(engine.t, steps));
    if (!made || made.ndim() != 1 || made.size() < steps)
      throw py::value_error("make must give a value for each step.");
    track.values.assign(made.data(), made.data() + made.size());
    track.first = engine.t;
    begin = source.good = 0;
    while (source.good < made.size() && in_range(f, made.data()[source.good])) ++source.good;
  }
  if (begin + steps <= source.good) return;
  try {
    check_field(f, track.values[std::size_t(source.good)]);
  } catch (const std::invalid_argument& error) {
    std::string text = error.what();
    text.back() = ' ';  // the full stop
    throw py::value_error(text + "from its schedule at step " + std::to_string(track.first + source.good) + ".");
  }
}

void PyOptimizer::check_new(const std::vector<py::object>& given, const std::vector<std::string>& labels) const {
  std::vector<py::array> fresh;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const std::string name = noun("parameter", labels[i]);
    fresh.push_back(as_array(given[i], name));
    check_parameter(fresh[i], name);
    const std::ptrdiff_t old = overlapped(fresh[i]);
    if (old >= 0)
      throw py::value_error(name + " must not overlap another parameter; it overlaps one of shape " +
                            shape_text(arrays[std::size_t(old)]) + " that this optimizer moves.");
  }
  // Sorted by address only neighbours can overlap, so that a thousand arrays are not a million pairs.
  std::vector<std::size_t> order(fresh.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(),
            [&](auto a, auto b) { return extent(fresh[a]).first < extent(fresh[b]).first; });
  for (std::size_t i = 0; i < order.size(); ++i)
    for (std::size_t j = i + 1; j < order.size(); ++j) {
      const py::array &a = fresh[order[i]], &b = fresh[order[j]];
      if (extent(b).first >= extent(a).second) break;
      if (overlaps(a, b))
        throw py::value_error(noun("parameter", labels[std::max(order[i], order[j])]) + " overlaps " +
                              noun("parameter", labels[std::min(order[i], order[j])]) +
                              "; each must have memory of its own.");
    }
}

std::vector<std::size_t> PyOptimizer::add(const std::vector<py::object>& given,
                                          const std::vector<std::string>& labels) {
  check_idle();
  if (labels.size() != given.size()) throw py::value_error("labels and arrays must be as many.");
  check_new(given, labels);
  {
    const Busy busy(*this);
    prepare(1);
  }
  engine.follow();                                          // for what state starts from
  for (Track& track : engine.tracks) track.values.clear();  // a schedule that may change is asked again at the step
  // Made before anything is registered, for memory may run out. An arena for each dtype holds all state.
  std::vector<Parameter> fresh;
  std::vector<std::vector<py::ssize_t>> shapes[2];
  for (const py::object& object : given) {
    const py::array array = py::reinterpret_borrow<py::array>(object);
    fresh.push_back({float_dtype(array, ""), layout_of(array), bytes(array), {}});
    for (std::size_t s = 0; s < engine.rule.slots.size(); ++s)
      shapes[int(fresh.back().dtype)].emplace_back(array.shape(), array.shape() + array.ndim());
  }
  std::vector<py::array> arenas[2] = {zeros_in_arena(shapes[0], Dtype::f32), zeros_in_arena(shapes[1], Dtype::f64)};
  std::size_t used[2] = {0, 0};
  std::vector<std::vector<py::array>> fresh_slots(fresh.size());
  for (std::size_t i = 0; i < fresh.size(); ++i)
    for (std::size_t s = 0; s < engine.rule.slots.size(); ++s) {
      const int dtype = int(fresh[i].dtype);
      const py::array& slot = arenas[dtype][used[dtype]++];
      const double start = engine.rule.start(engine.values.data(), s);
      if (start != 0) slot.attr("fill")(start);
      fresh[i].state.push_back(bytes(slot));
      fresh_slots[i].push_back(slot);
    }
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    const std::size_t index = parameters.size();
    indices.push_back(index);
    arrays.push_back(py::reinterpret_borrow<py::array>(given[i]));
    parameters.push_back(std::move(fresh[i]));
    slots.push_back(std::move(fresh_slots[i]));
    const auto [first, last] = extent(arrays.back());
    extents_.push_back({first, last, index});
    longest_ = std::max(longest_, std::size_t(last - first));
  }
  std::sort(extents_.begin(), extents_.end(), [](auto& a, auto& b) { return a.first < b.first; });
  return indices;
}

std::ptrdiff_t PyOptimizer::overlapped(const py::array& array) const {
  const auto [first, last] = extent(array);
  if (first == last) return -1;
  auto it = std::lower_bound(extents_.begin(), extents_.end(), last, [](auto& e, auto* at) { return e.first < at; });
  while (it != extents_.begin() && (--it)->first + longest_ > first)
    if (it->last > first && overlaps(arrays[it->index], array)) return std::ptrdiff_t(it->index);
  return -1;
}

void PyOptimizer::truncate(std::size_t length) {
  check_idle();
  if (length >= parameters.size()) return;
  parameters.resize(length);
  arrays.resize(length);
  slots.resize(length);
  extents_.erase(std::remove_if(extents_.begin(), extents_.end(), [&](auto& e) { return e.index >= length; }),
                 extents_.end());
}

std::ptrdiff_t PyOptimizer::find(const py::array& array) const {
  const std::byte* const first = extent(array).first;
  auto it = std::lower_bound(extents_.begin(), extents_.end(), first, [](auto& e, auto* at) { return e.first < at; });
  for (; it != extents_.end() && it->first == first; ++it) {
    const Parameter& p = parameters[it->index];
    if (p.data == bytes(array) && has_layout(array, p.layout) && array.dtype().equal(numpy_dtype(p.dtype)))
      return std::ptrdiff_t(it->index);
  }
  return -1;
}

void PyOptimizer::check_unmoved(std::size_t index, const std::string& label) const {
  if (parameters[index].data != bytes(arrays[index]) || !has_layout(arrays[index], parameters[index].layout))
    throw py::value_error(noun("parameter", label) +
                          " must stay where it was when the optimizer first saw it; it has been resized, reshaped or "
                          "reallocated since.");
}

py::dict PyOptimizer::state(std::size_t index) const {
  py::dict all;
  for (std::size_t s = 0; s < engine.rule.slots.size(); ++s) all[engine.rule.slots[s]] = slots.at(index)[s];
  return all;
}

void PyOptimizer::check_gradient(const Parameter& p, const py::array& g, const std::string& label) const {
  check_dtype(p.dtype, g, label);
  if (!has_shape(g, p.layout)) check_shape(arrays[std::size_t(&p - parameters.data())], g, label);
  const std::ptrdiff_t old = overlapped(g);
  if (old >= 0) check_pair(arrays[std::size_t(old)], g, label);
}

void bind_optimizers(py::module_& m) {
  m.def("rules", [] {
    py::dict all;
    for (const Rule& rule : rules()) {
      py::list fields;
      for (const FieldInfo& f : rule.fields)
        fields.append(py::make_tuple(f.name, f.start, f.doc, f.low, f.high, f.low_open, f.high_open));
      py::list slots;
      for (const char* slot : rule.slots) slots.append(slot);
      all[rule.name] = py::dict(py::arg("fields") = py::tuple(fields), py::arg("slots") = py::tuple(slots));
    }
    return all;
  });

  py::class_<PyOptimizer>(m, "Optimizer")
      .def(py::init<const std::string&, const std::map<std::string, double>&>())
      .def_property_readonly("rule", [](const PyOptimizer& o) { return o.engine.rule.name; })
      .def_property(
          "iterations", [](const PyOptimizer& o) { return o.engine.t; },
          [](PyOptimizer& o, std::int64_t t) {
            o.check_idle();
            if (t < 0) throw py::value_error("iterations must be 0 or more; got " + std::to_string(t) + ".");
            o.engine.t = t;
          })
      .def("get", &PyOptimizer::get)
      .def("set", &PyOptimizer::set)
      .def("schedule", &PyOptimizer::schedule)
      .def("starts",
           [](const PyOptimizer& o) {
             py::dict all;
             for (std::size_t s = 0; s < o.engine.rule.slots.size(); ++s)
               all[o.engine.rule.slots[s]] = o.engine.rule.start(o.engine.values.data(), s);
             return all;
           })
      .def("__len__", [](const PyOptimizer& o) { return o.parameters.size(); })
      .def("add", &PyOptimizer::add)
      .def("truncate", &PyOptimizer::truncate)
      .def("find", &PyOptimizer::find)
      .def("parameter", [](const PyOptimizer& o, std::size_t index) { return o.arrays.at(index); })
      .def("state", &PyOptimizer::state);
}

}  // namespace gs
