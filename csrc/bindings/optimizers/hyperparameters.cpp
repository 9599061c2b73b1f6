// The numbers of an optimizer: fields, groups of them, schedules, and the options that hold for good.
#include <pybind11/stl.h>

#include <algorithm>
#include <stdexcept>

#include "bindings/optimizers/fields.hpp"
#include "bindings/optimizers/optimizers.hpp"

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

template <class T> T one_of(const py::dict& options, const char* name, const std::map<std::string, T>& words) {
  const auto word = options[name].cast<std::string>();
  const auto found = words.find(word);
  if (found == words.end()) throw py::value_error(std::string(name) + " cannot be " + word + ".");
  return found->second;
}

Options parse_options(const py::dict& given) {
  Options o;
  const auto read = [&](const char* name, auto& value) {
    if (given.contains(name)) value = given[name].cast<std::decay_t<decltype(value)>>();
  };
  read("maximize", o.maximize);
  read("coupled_decay", o.coupled_decay);
  read("use_ema", o.average);
  read("ema_overwrite_frequency", o.overwrite);
  read("gradient_accumulation_steps", o.accumulate);
  read("stochastic_rounding", o.stochastic);
  read("seed", o.seed);
  read("own_steps", o.own_steps);
  read("lazy", o.lazy);
  using Nonfinite = Options::Nonfinite;
  if (given.contains("on_nonfinite"))
    o.nonfinite = one_of<Nonfinite>(
        given, "on_nonfinite",
        {{"propagate", Nonfinite::propagate}, {"skip", Nonfinite::skip}, {"raise", Nonfinite::raise}});
  if (given.contains("state_dtype"))
    o.storage = one_of<Storage>(given, "state_dtype", {{"bfloat16", Storage::bf16}, {"int8", Storage::int8}});
  if (o.overwrite < 0 || o.accumulate < 1) throw py::value_error("frequencies must be positive.");
  return o;
}

}  // namespace

PyOptimizer::PyOptimizer(const std::string& rule, const std::map<std::string, double>& values, const py::dict& options)
    : engine(find_rule(rule), checked_values(find_rule(rule), values), parse_options(options)) {
  if (engine.rule.sees_matrices() && engine.options.storage != Storage::real)
    throw py::value_error(std::string("state_dtype must be None: the state of ") + engine.rule.name +
                          " has shapes of its own.");
}

const FieldInfo& PyOptimizer::field(const std::string& name, std::size_t& at) const {
  for (at = 0; at < engine.rule.fields.size(); ++at)
    if (name == engine.rule.fields[at].name) return engine.rule.fields[at];
  throw py::attribute_error(std::string(engine.rule.name) + " has no hyperparameter " + name + ".");
}

const Group& PyOptimizer::group(std::size_t index) const {
  if (index >= engine.groups.size()) throw py::index_error("no such group");
  return engine.groups[index];
}

double PyOptimizer::get(const std::string& name, std::size_t index) const {
  std::size_t at;
  field(name, at);
  return group(group(index).own[at] ? index : 0).values[at];
}

bool PyOptimizer::is_own(const std::string& name, std::size_t index) const {
  std::size_t at;
  field(name, at);
  return group(index).own[at];
}

void PyOptimizer::set(const std::string& name, double value, std::size_t index) {
  std::size_t at;
  check_field(field(name, at), value);
  group(index);
  engine.groups[index].values[at] = value;
  engine.groups[index].own[at] = true;
}

std::size_t PyOptimizer::add_group(const std::map<std::string, double>& given) {
  check_idle();
  Group fresh{engine.groups[0].values, std::vector<bool>(engine.rule.fields.size(), false)};
  for (const auto& [name, value] : given) {
    std::size_t at;
    check_field(field(name, at), value);
    fresh.values[at] = value;
    fresh.own[at] = true;
  }
  engine.groups.push_back(std::move(fresh));
  return engine.groups.size() - 1;
}

void PyOptimizer::truncate_groups(std::size_t length) {
  check_idle();
  if (length >= 1 && length < engine.groups.size()) engine.groups.resize(length);
  auto& hyperparameter_tables = engine.hyperparameter_tables;
  for (std::size_t i = hyperparameter_tables.size(); i-- > 0;)
    if (hyperparameter_tables[i].group >= engine.groups.size()) {
      hyperparameter_tables.erase(hyperparameter_tables.begin() + std::ptrdiff_t(i));
      sources_.erase(sources_.begin() + std::ptrdiff_t(i));
    }
}

void PyOptimizer::schedule(const std::string& name, py::object make, std::size_t index) {
  check_idle();
  std::size_t at;
  field(name, at);
  group(index);
  engine.groups[index].own[at] = true;
  auto& hyperparameter_tables = engine.hyperparameter_tables;
  const auto old =
      std::find_if(hyperparameter_tables.begin(), hyperparameter_tables.end(),
                   [&](const HyperparameterTable& table) { return table.group == index && table.field == at; });
  if (old == hyperparameter_tables.end()) {
    sources_.push_back({std::move(make), 0});
    hyperparameter_tables.push_back({index, at, engine.t, {}});
  } else {
    sources_[std::size_t(old - hyperparameter_tables.begin())] = {std::move(make), 0};
    old->values.clear();
  }
}

void PyOptimizer::prepare(std::size_t i, std::int64_t steps) {
  HyperparameterTable& table = engine.hyperparameter_tables[i];
  Source& source = sources_[i];
  const FieldInfo& f = engine.rule.fields[table.field];
  std::int64_t begin = engine.t - table.first;
  if (begin < 0 || begin > source.good || begin + steps > std::int64_t(table.values.size())) {
    const auto made = py::array_t<double, py::array::c_style>::ensure(source.make(engine.t, steps));
    if (!made || made.ndim() != 1 || made.size() < steps)
      throw py::value_error("make must give a value for each step.");
    table.values.assign(made.data(), made.data() + made.size());
    table.first = engine.t;
    begin = source.good = 0;
    while (source.good < made.size() && f.admits(made.data()[source.good])) ++source.good;
  }
  if (begin + steps <= source.good) return;
  try {
    check_field(f, table.values[std::size_t(source.good)]);
  } catch (const std::invalid_argument& error) {
    std::string text = error.what();
    text.back() = ' ';  // the full stop
    throw py::value_error(text + "from its schedule at step " + std::to_string(table.first + source.good) + ".");
  }
}

}  // namespace gs
