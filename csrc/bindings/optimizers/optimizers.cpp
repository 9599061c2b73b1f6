#include "bindings/optimizers/optimizers.hpp"

#include "bindings/arrays/data.hpp"

#include <pybind11/stl.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <tuple>

#include "bindings/module.hpp"
#include "bindings/turns.hpp"
#include "runtime/buffer.hpp"
#include "update/factored.hpp"

namespace gs {
namespace {

void check_shape(const py::array& parameter, const py::array& gradient, const std::string& label) {
  if (!gradient.attr("shape").equal(parameter.attr("shape")))
    throw py::value_error(noun("gradient", label) + " has shape " + shape_text(gradient) +
                          "; its parameter has shape " + shape_text(parameter) + ".");
}

// A gradient has its parameter's type, or a half one; a parameter of a half type takes float32 too.
Dtype check_dtype(Dtype parameter, const py::array& gradient, const std::string& label) {
  const Dtype dtype = any_float_dtype(gradient, noun("gradient", label));
  const bool half = item_size(dtype) == 2, master = item_size(parameter) == 2 && dtype == Dtype::f32;
  if (dtype != parameter && !half && !master)
    throw py::type_error(noun("gradient", label) + " is " + dtype_name(dtype) + "; its parameter is " +
                         dtype_name(parameter) + ".");
  return dtype;
}

void check_pair(const py::array& parameter, const py::array& gradient, const std::string& label) {
  if (overlaps(parameter, gradient))
    throw py::value_error(noun("gradient", label) + " must not overlap a parameter: it would change while it is read.");
}

}  // namespace

void PyOptimizer::check_idle() const {
  if (busy_) throw std::runtime_error("this optimizer is in the middle of a step on another thread.");
  if (!halted.empty()) throw std::runtime_error(halted);
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
                            shape_text(arrays[std::size_t(old)]) + " that this optimizer updates.");
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
        throw_overlap(noun("parameter", labels[std::max(order[i], order[j])]),
                      noun("parameter", labels[std::min(order[i], order[j])]));
    }
}

std::vector<Wanted> PyOptimizer::wanted_state(const Parameter& p) const {
  const std::vector<py::ssize_t> shape(p.layout.shape.begin(), p.layout.shape.end());
  const Storage storage = engine.options.storage;
  const py::dtype real = numpy_dtype(real_of(p.dtype));
  const py::dtype kept = storage == Storage::int8   ? py::dtype::of<std::uint8_t>()
                         : storage == Storage::bf16 ? py::dtype::of<std::uint16_t>()
                                                    : real;
  // State of the parameter's type lies as the parameter does, so that a sweep over all of them straddles no cache line.
  const bool is_same = storage == Storage::real && item_size(p.dtype) == std::size_t(real.itemsize());
  const std::size_t offset = is_same ? reinterpret_cast<std::uintptr_t>(p.data) % alignment : 0;
  std::vector<Wanted> wanted(engine.rule.slots.size(), {kept, shape, offset});
  if (p.is_matrix && (engine.rule.orthogonal || engine.rule.has_factors())) wanted[1].shape = {0};
  if (engine.rule.has_factors())
    for (std::size_t s = 2; s < wanted.size(); ++s) {
      const auto side = py::ssize_t(p.inputs == 0 ? 0 : s % 2 ? p.outputs : p.inputs);
      wanted[s].shape = {side, side};
    }
  if (engine.rule.factored)
    for (std::size_t s = 0; s < wanted.size(); ++s) {
      const auto own = factor_shape(p.layout.shape, s);
      wanted[s].shape.assign(own.begin(), own.end());
    }
  wanted.resize(wanted.size() + engine.extra_slots().size(), {real, shape});
  if (storage == Storage::int8)
    wanted.resize(wanted.size() + engine.rule.slots.size(),
                  {py::dtype::of<float>(), {py::ssize_t((p.layout.size + scale_block - 1) / scale_block)}});
  wanted.resize(wanted.size() + engine.own_scalars().size(), {py::dtype::of<double>(), {}});
  if (engine.options.own_steps) wanted.push_back({py::dtype::of<std::int64_t>(), {}});
  return wanted;
}

std::vector<std::size_t> PyOptimizer::add(const std::vector<py::object>& given, const std::vector<std::string>& labels,
                                          const std::vector<std::size_t>& groups, const std::vector<bool>& decays,
                                          const std::vector<bool>& fallbacks,
                                          const std::vector<std::pair<std::size_t, std::size_t>>& layers) {
  check_idle();
  if (labels.size() != given.size()) throw py::value_error("labels and arrays must be as many.");
  for (const std::size_t index : groups) group(index);
  check_new(given, labels);
  {
    const Busy busy(*this);
    prepare(1);
  }
  engine.load_hyperparameters();  // for what state starts from
  for (HyperparameterTable& table : engine.hyperparameter_tables)
    table.values.clear();  // a schedule that may change is asked again at the step
  // Made before anything is registered, for memory may run out. One arena holds all state.
  std::vector<Parameter> fresh;
  std::vector<Wanted> wanted;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const py::array array = py::reinterpret_borrow<py::array>(given[i]);
    fresh.push_back({any_float_dtype(array, ""), layout_of(array), bytes(array), {}, {}, {}});
    if (!groups.empty()) fresh.back().group = groups.at(i);
    if (!decays.empty()) fresh.back().decays = decays.at(i);
    const bool fallback = !fallbacks.empty() && fallbacks.at(i);
    fresh.back().is_matrix = engine.rule.orthogonal && array.ndim() == 2 && !fallback;
    if (engine.rule.curvature && !layers.empty()) {
      std::tie(fresh.back().inputs, fresh.back().outputs) = layers.at(i);
      fresh.back().is_matrix = fresh.back().outputs > 0;
    }
    fresh.back().number = std::uint32_t(parameters.size() + i);
    if (engine.options.storage != Storage::real && fresh.back().dtype == Dtype::f64)
      throw py::type_error(noun("parameter", labels[i]) +
                           " is float64, whose state is not kept in less: state_dtype is "
                           "for float32, float16 and bfloat16.");
    const auto own = wanted_state(fresh.back());
    wanted.insert(wanted.end(), own.begin(), own.end());
  }
  const std::vector<py::array> arena = zeros_in_arena(wanted);
  const std::size_t count = given.empty() ? 0 : wanted.size() / given.size(), rule_slots = engine.rule.slots.size();
  std::vector<std::vector<std::pair<std::string, py::array>>> fresh_slots(fresh.size());
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    Parameter& p = fresh[i];
    const auto extra = engine.extra_slots(), scalars = engine.own_scalars();
    const std::size_t numbers = count - engine.options.own_steps;  // the last one is the count of steps
    for (std::size_t s = 0; s < count; ++s) {
      const py::array& array = arena[i * count + s];
      std::string name;
      if (s < rule_slots + extra.size()) {
        name = s < rule_slots ? engine.rule.slots[s] : extra[s - rule_slots];
        p.state.push_back(bytes(array));
      } else if (s < numbers - scalars.size()) {
        name = engine.rule.slots[s - rule_slots - extra.size()] + std::string(".scale");
        p.scales.push_back(reinterpret_cast<float*>(bytes(array)));
      } else if (s < numbers) {
        name = scalars[s - (numbers - scalars.size())];
        p.scalars.push_back(reinterpret_cast<double*>(bytes(array)));
      } else {
        name = "step";
        p.steps = reinterpret_cast<std::int64_t*>(bytes(array));
      }
      fresh_slots[i].emplace_back(name, array);
    }
    for (std::size_t s = 0; s < rule_slots; ++s)
      fill(engine.options.storage, real_of(p.dtype), p.state[s], p.scales.empty() ? nullptr : p.scales[s],
           p.layout.size, engine.rule.start(engine.groups[p.group].values.data(), s),
           !(engine.rule.unsigned_slots >> s & 1));
  }
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    const std::size_t index = parameters.size();
    indices.push_back(index);
    arrays.push_back(py::reinterpret_borrow<py::array>(given[i]));
    dtypes_.resize(index);
    dtypes_.push_back(arrays.back().dtype());
    parameters.push_back(std::move(fresh[i]));
    slots.push_back(std::move(fresh_slots[i]));
    serials_.push_back(++registered_);
    const auto [first, last] = extent(arrays.back());
    extents_.push_back({first, last, index});
    longest_ = std::max(longest_, std::size_t(last - first));
  }
  arrange();
  return indices;
}

Places::Places(const PyOptimizer& optimizer, std::vector<std::size_t> given)
    : indices(std::move(given)), seen_(optimizer.forgotten()) {
  for (const std::size_t index : indices) {
    if (index >= optimizer.parameters.size()) throw py::index_error("no such parameter");
    serials_.push_back(optimizer.serial(index));
  }
}

void Places::look(const PyOptimizer& optimizer) {
  for (std::size_t i = 0; i < indices.size(); ++i)
    if (indices[i] >= optimizer.parameters.size() || optimizer.serial(indices[i]) != serials_[i])
      throw std::runtime_error(
          "the optimizer does not know these weights any more: they, or their state, were made anew (by "
          "Checkpoint.restore, say). In a callback of fit do so when an epoch begins or ends.");
  seen_ = optimizer.forgotten();
}

py::dict PyOptimizer::state(std::size_t index) const {
  py::dict all;
  for (const auto& [name, array] : slots.at(index)) all[name.c_str()] = array;
  return all;
}

py::array PyOptimizer::numbers(std::size_t index, const std::string& slot) const {
  const auto& own = slots.at(index);
  std::size_t s = 0;
  while (s < engine.rule.slots.size() && own[s].first != slot) ++s;
  if (s == engine.rule.slots.size()) throw py::key_error(slot);
  const Parameter& p = parameters[index];
  if (engine.options.storage == Storage::real) return py::array(own[s].second.attr("copy")());
  py::array_t<float> decoded(std::vector<py::ssize_t>(p.layout.shape.begin(), p.layout.shape.end()));
  read(engine.options.storage, p.state[s], p.scales.empty() ? nullptr : p.scales[s], p.layout.size,
       !(engine.rule.unsigned_slots >> s & 1), decoded.mutable_data());
  return decoded;
}

Dtype PyOptimizer::check_gradient(const Parameter& p, const py::array& g, const std::string& label) const {
  const Dtype dtype = check_dtype(p.dtype, g, label);
  if (!has_shape(g, p.layout)) check_shape(arrays[p.number], g, label);
  const std::ptrdiff_t old = overlapped(g);
  if (old >= 0) check_pair(arrays[std::size_t(old)], g, label);
  return dtype;
}

void check_gradient_count(std::size_t given, std::size_t parameters) {
  if (given != parameters)
    throw py::value_error("gradients must be as many as the parameters, " + std::to_string(parameters) + "; got " +
                          std::to_string(given) + ".");
}

void throw_nonfinite(const std::string& gradient, const Optimizer& optimizer) {
  PyErr_SetString(
      PyExc_FloatingPointError,
      (gradient + (optimizer.overflows ? " must be small enough for weights and state that stay finite, as "
                                         "on_nonfinite=\"raise\" asks; a step by it overflows."
                                       : " must be finite, as on_nonfinite=\"raise\" asks; it holds inf or nan."))
          .c_str());
  throw py::error_already_set();
}

py::tuple describe(const FieldInfo& f) {
  return py::make_tuple(f.name, f.start, f.doc, f.low, f.high, f.low_open, f.high_open);
}

namespace {

py::dict describe(const Rule& rule) {
  py::list fields, common;
  for (std::size_t i = 0; i < rule.fields.size(); ++i)
    (i < rule.own ? fields : common).append(gs::describe(rule.fields[i]));
  py::list slots;
  for (const char* slot : rule.slots) slots.append(slot);
  py::list scalars;
  for (const char* scalar : rule.measuring.scalars) scalars.append(scalar);
  return py::dict(py::arg("fields") = py::tuple(fields), py::arg("common") = py::tuple(common),
                  py::arg("slots") = py::tuple(slots), py::arg("scalars") = py::tuple(scalars),
                  py::arg("measures") = rule.measures(), py::arg("matrices") = rule.sees_matrices(),
                  py::arg("global_sums") = rule.measuring.global);
}

}  // namespace

void bind_optimizers(py::module_& m) {
  m.def("rules", [] {
    py::dict all;
    for (const Rule& rule : rules()) all[rule.name] = describe(rule);
    return all;
  });
  m.def("rule", [](const std::string& name) { return describe(find_rule(name)); }, py::arg("name"));

  SharedClass<PyOptimizer>(m, "Optimizer")
      .def(py::init<const std::string&, const std::map<std::string, double>&, const py::dict&>(), py::arg("rule"),
           py::arg("values"), py::arg("options") = py::dict())
      .def_property_readonly("rule", [](const PyOptimizer& o) { return o.engine.rule.name; })
      .def_property(
          "iterations", [](const PyOptimizer& o) { return o.engine.t; },
          [](PyOptimizer& o, std::int64_t t) {
            o.check_idle();
            if (t < 0) throw py::value_error("iterations must be 0 or more; got " + std::to_string(t) + ".");
            o.engine.t = t;
            for (const Parameter& p : o.parameters)
              if (p.steps) *p.steps = t;
          })
      .def_property(
          "accumulated", [](const PyOptimizer& o) { return o.engine.summed; },
          [](PyOptimizer& o, std::int64_t n) {
            o.check_idle();
            if (n < 0 || n >= o.engine.options.accumulate)
              throw py::value_error("accumulated must be in [0, " + std::to_string(o.engine.options.accumulate) +
                                    "); got " + std::to_string(n) + ".");
            o.engine.summed = n;
          })
      .def_property(
          "skipped", [](const PyOptimizer& o) { return o.engine.skipped; },
          [](PyOptimizer& o, std::int64_t n) { o.engine.skipped = n; })
      .def_property(
          "seed", [](const PyOptimizer& o) { return o.engine.options.seed; },
          [](PyOptimizer& o, std::uint64_t seed) {
            o.check_idle();
            o.engine.options.seed = seed;
          })
      .def("get", &PyOptimizer::get, py::arg("field"), py::arg("group") = 0)
      .def("set", &PyOptimizer::set, py::arg("field"), py::arg("value"), py::arg("group") = 0)
      .def("is_own", &PyOptimizer::is_own)
      .def("schedule", &PyOptimizer::schedule, py::arg("field"), py::arg("make"), py::arg("group") = 0)
      .def("add_group", &PyOptimizer::add_group)
      .def("truncate_groups", &PyOptimizer::truncate_groups)
      .def_property_readonly("groups", [](const PyOptimizer& o) { return o.engine.groups.size(); })
      .def("group_of", [](const PyOptimizer& o, std::size_t index) { return o.parameters.at(index).group; })
      .def("starts",
           [](const PyOptimizer& o) {
             py::dict all;
             for (std::size_t s = 0; s < o.engine.rule.slots.size(); ++s)
               all[o.engine.rule.slots[s]] = o.engine.rule.start(o.engine.groups[0].values.data(), s);
             return all;
           })
      .def("__len__", [](const PyOptimizer& o) { return o.parameters.size(); })
      .def("add", &PyOptimizer::add, py::arg("arrays"), py::arg("labels"), py::arg("groups") = py::list(),
           py::arg("decays") = py::list(), py::arg("fallbacks") = py::list(), py::arg("layers") = py::list())
      .def("set_decays",
           [](PyOptimizer& o, std::size_t index, bool decays) {
             o.check_idle();
             o.parameters.at(index).decays = decays;
           })
      .def("decays", [](const PyOptimizer& o, std::size_t index) { return o.parameters.at(index).decays; })
      .def("uses_fallback",
           [](const PyOptimizer& o, std::size_t index) {
             const Parameter& p = o.parameters.at(index);
             return o.engine.rule.orthogonal && p.layout.shape.size() == 2 && !p.is_matrix;
           })
      .def("layer_sizes",
           [](const PyOptimizer& o, std::size_t index) {
             const Parameter& p = o.parameters.at(index);
             return std::make_pair(p.inputs, p.outputs);
           })
      .def("truncate", &PyOptimizer::truncate)
      .def("is_abandoned", &PyOptimizer::is_abandoned, py::arg("index"), py::arg("held") = 1)
      .def("check_unmoved", &PyOptimizer::check_unmoved, py::arg("index"), py::arg("label"))
      .def("replace", &PyOptimizer::replace, py::arg("index"), py::arg("array"), py::arg("label"))
      .def("find", &PyOptimizer::find)
      .def("flush", &PyOptimizer::flush)
      .def("flush_rows", &PyOptimizer::flush_rows)
      .def("parameter", [](const PyOptimizer& o, std::size_t index) { return o.arrays.at(index); })
      .def("state", &PyOptimizer::state)
      .def("numbers", &PyOptimizer::numbers)
      .def_readwrite("halted", &PyOptimizer::halted)
      .def("scalars", [](py::object self) {
        Optimizer& engine = self.cast<PyOptimizer&>().engine;
        py::dict all;
        for (std::size_t s = 0; s < engine.scalars.size(); ++s)
          all[engine.rule.measuring.scalars[s]] =
              py::array(py::dtype::of<double>(), std::vector<py::ssize_t>{}, &engine.scalars[s], self);
        return all;
      });
}

}  // namespace gs
