#include "bindings/cuda/device_optimizer.hpp"

#include <pybind11/stl.h>

namespace gs {
namespace {

/// A part of a parameter's memory.
struct Slot {
  std::string name;
  std::vector<std::int64_t> shape;
  const char* dtype;
  std::size_t bytes;
};

std::vector<Slot> slots_of(const Optimizer& engine, const Parameter& p) {
  const bool half = engine.options.storage == Storage::bf16, wide = real_of(p.dtype) == Dtype::f64;
  const char* const real = wide ? "float64" : "float32";
  const std::size_t item = wide ? 8 : 4;
  std::vector<Slot> slots;
  for (const char* name : engine.rule.slots)
    slots.push_back({name, p.layout.shape, half ? "uint16" : real, p.layout.size * (half ? 2 : item)});
  for (const char* name : engine.extra_slots()) slots.push_back({name, p.layout.shape, real, p.layout.size * item});
  for (const char* name : engine.own_scalars()) slots.push_back({name, {}, "float64", sizeof(double)});
  return slots;
}

// Scalars lie side by side: a rule takes the address of the first.
std::size_t step_of(const Slot& slot) {
  return slot.shape.empty() && slot.bytes == sizeof(double) ? slot.bytes : device_aligned(slot.bytes);
}

py::tuple described(const std::string& name, const void* data, const std::vector<std::int64_t>& shape,
                    const char* dtype) {
  return py::make_tuple(name, reinterpret_cast<std::uintptr_t>(data), py::tuple(py::cast(shape)), dtype);
}

const std::byte* end_of(const Parameter& p) { return p.data + p.layout.size * item_size(p.dtype); }

}  // namespace

void check_serves_gpu(const Optimizer& engine, const std::string& there, const std::string& otherwise) {
  if (engine.rule.sees_matrices())
    throw py::type_error(std::string(engine.rule.name) + " updates " + otherwise + " only; " + there +
                         " need a rule that goes element by element.");
  if (engine.options.storage == Storage::int8)
    throw py::value_error("state_dtype must be None or 'bfloat16' for " + there + "; got 'int8'.");
  if (engine.options.nonfinite != Options::Nonfinite::propagate)
    throw py::value_error("on_nonfinite must be 'propagate' for " + there +
                          ": the other ways would wait for the device in each step.");
}

DeviceOptimizer::DeviceOptimizer(py::object optimizer, int device)
    : device(device), owner_(std::move(optimizer)), optimizer_(owner_.cast<PyOptimizer&>()) {
  const Optimizer& engine = optimizer_.engine;
  check_serves_gpu(engine, "parameters on a GPU", "arrays in CPU memory");
  if (const std::size_t n = engine.scalars.size())
    scalars_ = std::make_unique<DeviceMemory>(device, n * sizeof(double));
}

const Parameter* DeviceOptimizer::at(const std::byte* first, const std::byte* last) const {
  auto it = addresses_.lower_bound(last);
  if (first == last || it == addresses_.begin()) return nullptr;
  const Parameter& p = parameters[(--it)->second];
  return end_of(p) > first ? &p : nullptr;
}

void DeviceOptimizer::check_apart(const Parameter& p, const DeviceView& g, const std::string& label) const {
  const std::byte* const last = g.data + g.size() * item_size(g.dtype);
  const Parameter* const other = at(g.data, last);
  // The parameter itself will do: each element is read before it is written.
  if (!other || (other == &p && g.data == p.data && g.dtype == p.dtype)) return;
  throw py::value_error(noun("gradient", label) + " must not overlap a parameter: it would change while it is read.");
}

void DeviceOptimizer::check_new(const std::vector<DeviceView>& views, const std::vector<std::string>& labels) const {
  std::map<const std::byte*, std::size_t> fresh;
  const auto last = [&](const DeviceView& v) { return v.data + v.size() * item_size(v.dtype); };
  for (std::size_t i = 0; i < views.size(); ++i) {
    const DeviceView& v = views[i];
    const std::string name = noun("parameter", labels[i]);
    if (v.device != device)
      throw py::value_error(name + " must be on GPU " + std::to_string(device) + ", as the others; it is on GPU " +
                            std::to_string(v.device) + ".");
    if (v.is_read_only)
      throw py::value_error(name + " must be writable: it is updated in place; got a read-only array.");
    if (optimizer_.engine.options.storage != Storage::real && v.dtype == Dtype::f64)
      throw py::type_error(
          name + " is float64, whose state is not kept in less: state_dtype is for float32, float16 and bfloat16.");
    if (v.size() == 0) continue;
    if (at(v.data, last(v)))
      throw py::value_error(name + " must not overlap another parameter that this optimizer updates.");
    auto next = fresh.lower_bound(v.data);
    const bool after = next != fresh.end() && next->first < last(v);
    if (!after && next != fresh.begin()) --next;
    if (next != fresh.end() && next->first < last(v) && v.data < last(views[next->second]))
      throw_overlap(name, noun("parameter", labels[next->second]));
    fresh.emplace(v.data, i);
  }
}

void DeviceOptimizer::add(const std::vector<py::object>& arrays, const std::vector<std::string>& labels,
                          const std::vector<std::size_t>& groups, const std::vector<bool>& decays,
                          const DeviceReader& reader) {
  optimizer_.check_idle();
  std::vector<DeviceView> views;
  for (std::size_t i = 0; i < arrays.size(); ++i)
    views.push_back(reader.read(arrays[i], noun("parameter", labels.at(i))));
  check_new(views, labels);
  {
    const PyOptimizer::Busy busy(optimizer_);
    optimizer_.prepare(1);
  }
  Optimizer& engine = optimizer_.engine;
  engine.load_hyperparameters();  // for what state starts from
  for (HyperparameterTable& table : engine.hyperparameter_tables) table.values.clear();
  std::vector<Parameter> fresh;
  std::vector<Owned> owned;
  const CurrentDevice current(device);
  check_device(current.error, "choosing the device");
  for (std::size_t i = 0; i < views.size(); ++i) {
    const DeviceView& v = views[i];
    Parameter p{v.dtype, {}, v.data, {}, {}, {}};
    p.layout.shape = v.shape;
    p.layout.size = v.size();
    p.layout.contiguous = true;
    p.group = groups.at(i);
    p.decays = decays.at(i);
    p.number = std::uint32_t(parameters.size() + i);
    const std::vector<Slot> slots = slots_of(engine, p);
    std::size_t bytes = 0;
    for (const Slot& slot : slots) bytes += step_of(slot);
    auto memory = std::make_shared<DeviceMemory>(device, bytes);
    std::byte* next = memory->data();
    for (std::size_t s = 0; s < slots.size(); next += step_of(slots[s++])) {
      if (s >= engine.rule.slots.size() + engine.extra_slots().size()) {
        p.scalars.push_back(reinterpret_cast<double*>(next));
        continue;
      }
      p.state.push_back(next);
      const double start =
          s < engine.rule.slots.size() ? engine.rule.start(engine.groups[p.group].values.data(), s) : 0;
      if (start == 0) continue;
      std::vector<std::byte> host(slots[s].bytes);
      fill(engine.options.storage, real_of(p.dtype), host.data(), nullptr, p.layout.size, start, true);
      check_device(device_from_host(next, host.data(), host.size()), "a copy");
    }
    py::object steps = py::none();
    if (engine.options.own_steps) {
      py::array_t<std::int64_t> count(std::vector<py::ssize_t>{});
      p.steps = count.mutable_data();
      *p.steps = 0;
      steps = count;
    }
    fresh.push_back(std::move(p));
    owned.push_back({std::move(memory), std::move(steps)});
  }
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    if (fresh[i].layout.size > 0) addresses_.emplace(fresh[i].data, parameters.size());
    parameters.push_back(std::move(fresh[i]));
    owned_.push_back(std::move(owned[i]));
  }
}

void DeviceOptimizer::truncate(std::size_t length) {
  optimizer_.check_idle();
  while (parameters.size() > length) {
    if (parameters.back().layout.size > 0) addresses_.erase(parameters.back().data);
    parameters.pop_back();
    owned_.pop_back();
  }
}

py::list DeviceOptimizer::state(std::size_t index) const {
  const Parameter& p = parameters.at(index);
  const std::vector<Slot> slots = slots_of(optimizer_.engine, p);
  py::list all;
  for (std::size_t s = 0; s < slots.size(); ++s) {
    const void* const data = s < p.state.size() ? p.state[s] : p.scalars[s - p.state.size()];
    all.append(described(slots[s].name, data, slots[s].shape, slots[s].dtype));
  }
  if (!owned_[index].steps.is_none()) all.append(py::make_tuple("step", owned_[index].steps));
  return all;
}

py::list DeviceOptimizer::scalars() const {
  py::list all;
  for (std::size_t s = 0; s < optimizer_.engine.scalars.size(); ++s)
    all.append(described(optimizer_.engine.rule.measuring.scalars[s], global_scalars() + s, {}, "float64"));
  return all;
}

}  // namespace gs
