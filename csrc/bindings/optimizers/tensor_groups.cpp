// Steps of torch.optim's parameter groups: tensors and their state are updated in place, and read anew each time.
#include "bindings/optimizers/tensor_groups.hpp"

#include <pybind11/stl.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <map>
#include <memory>
#include <unordered_map>

#include "bindings/arrays/extents.hpp"
#include "bindings/arrays/released.hpp"
#include "bindings/arrays/tensor_view.hpp"
#include "bindings/optimizers/optimizers.hpp"
#include "bindings/turns.hpp"
#include "runtime/buffer.hpp"

namespace gs {
namespace {

// A larger number of steps is not exact in double.
constexpr double most_steps = 0x1p53;
constexpr std::size_t max_counters = 3;

using Numbers = std::array<double, max_counters>;

/// A number of the state: the address of a float or a double.
struct Counter {
  std::byte* at;
  Dtype dtype;

  double get() const {
    return dtype == Dtype::f64 ? *reinterpret_cast<double*>(at) : double(*reinterpret_cast<float*>(at));
  }
  void set(double value) const {
    if (dtype == Dtype::f64)
      *reinterpret_cast<double*>(at) = value;
    else
      *reinterpret_cast<float*>(at) = float(value);
  }
};

/// A slot of the rule: PyTorch's key and shape, or None for memory of the engine that nobody needs to see.
struct Slot {
  py::object key;
  std::vector<std::int64_t> shape;
};

/// A tensor of a group. Of it only numbers stay from step to step, to be compared with the next ones.
struct Member {
  Parameter parameter{Dtype::f32, {}, nullptr, {}, {}, {}};
  std::vector<std::int64_t> shape, strides;
  std::vector<Slot> slots;
  std::vector<Buffer<std::byte>> scratch;
  std::vector<std::byte*> plain;  // addresses that were found plain: of the tensor, its slots and its counters
  Layout gradient;                // where it is not in C order
  std::array<Counter, max_counters> counters{};
  bool counted = false;  // whether the numbers came from the state
  bool known = false;    // whether type, shape and strides are

  bool is_as(const TensorView& view) const {
    return known && parameter.dtype == view.dtype && view.has_shape(shape) &&
           std::equal(strides.begin(), strides.end(), view.strides);
  }
};

/// Tensors of a group that go together, having done as many steps.
struct Part {
  std::size_t group;
  Numbers numbers;
  std::vector<ParamGrad> grads{};
  std::vector<Member*> members{};
};

class TensorGroups {
 public:
  TensorGroups(py::object type, py::object source) : reader_(std::move(type), std::move(source)) {}

  /// The next group. counters: PyTorch's keys of its numbers. slots(shape): a key and a shape for each slot.
  void add(py::object optimizer, std::vector<py::str> counters, py::object slots) {
    check_idle();
    if (counters.size() > max_counters) throw py::value_error("too many counters.");
    groups_.push_back({optimizer, &optimizer.cast<PyOptimizer&>(), std::move(counters), std::move(slots), {}});
  }

  /// Another optimizer for a group.
  void replace(std::size_t number, py::object optimizer, py::object slots) {
    check_idle();
    Group& group = groups_.at(number);
    group.optimizer = &optimizer.cast<PyOptimizer&>();
    group.owner = std::move(optimizer);
    group.slots = std::move(slots);
    group.members.clear();
  }

  /// Begins a step; until its `end` no other may begin.
  void begin() {
    check_idle();
    busy_ = true;
  }

  /// Finds the gradients and state of a step. groups: lists of tensors; state: by tensor, a dict each; lent: by (group,
  /// position), a dict that goes before the tensor's gradient and state. Returns the (group, position) of those that it
  /// cannot use as they are.
  std::vector<std::pair<std::size_t, std::size_t>> read(const py::list& groups, const py::dict& state,
                                                        const py::dict& lent) {
    if (!busy_) throw std::runtime_error("no step has begun.");
    if (groups.size() != groups_.size()) throw py::value_error("there must be a list for each group.");
    parts_.clear();
    moved_.clear();
    extents_.begin();
    index(state);
    std::vector<std::pair<std::size_t, std::size_t>> odd;
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      // A tuple of its own: what is asked of a tensor may run Python code.
      const auto tensors = py::reinterpret_steal<py::tuple>(PySequence_Tuple(groups[g].ptr()));
      if (!tensors) throw py::error_already_set();
      Group& group = groups_[g];
      if (group.members.size() != tensors.size()) group.members.clear();
      while (group.members.size() < tensors.size()) group.members.push_back(std::make_unique<Member>());
      std::map<Numbers, std::size_t> known;
      for (std::size_t i = 0; i < tensors.size(); ++i) {
        const py::object tensor = tensors[i], gradient = tensor.attr(grad_);
        if (gradient.is_none()) continue;
        py::object loan = py::none();
        if (!lent.empty()) loan = lent.attr("get")(py::make_tuple(g, i));
        if (!take(group, known, *group.members[i], tensor, gradient, loan, {g, i})) odd.push_back({g, i});
      }
    }
    if (odd.empty()) extents_.check([&](const Owner& owner, int which) { return name(owner, which); });
    return odd;
  }

  /// (group, numbers) of those that go together.
  py::list parts() const {
    py::list all;
    for (const Part& part : parts_) {
      const std::size_t count = std::max<std::size_t>(groups_[part.group].counters.size(), 1);
      py::tuple numbers(count);
      for (std::size_t k = 0; k < count; ++k) numbers[k] = part.numbers[k];
      all.append(py::make_tuple(part.group, std::move(numbers)));
    }
    return all;
  }

  /// The tensors that a step updates.
  py::list moved() const { return py::cast(moved_); }

  /// Moves a part, which has done so many steps; its numbers are `after` from then on.
  void go(std::size_t number, std::int64_t done, const std::vector<double>& after) {
    if (!busy_) throw std::runtime_error("no step has begun.");
    Part& part = parts_.at(number);
    const Group& group = groups_[part.group];
    if (after.size() < group.counters.size()) throw py::value_error("there must be a number for each counter.");
    group.optimizer->check_idle();
    const PyOptimizer::Busy busy(*group.optimizer);
    Optimizer& engine = group.optimizer->engine;
    engine.t = done;
    std::size_t total = 0;
    for (const ParamGrad& grad : part.grads) total += grad.parameter->layout.size;
    // Safe: the tensors are held below, and `busy_` keeps other threads out.
    if (total < release_size)
      engine.step(part.grads);
    else
      released([&] { return engine.step(part.grads); });
    for (const Member* member : part.members)
      for (std::size_t k = 0; member->counted && k < group.counters.size(); ++k) member->counters[k].set(after[k]);
  }

  /// Lets go of all tensors.
  void end() {
    busy_ = false;
    parts_.clear();
    moved_.clear();
    held_.clear();
    owns_.clear();
  }

 private:
  struct Group {
    py::object owner;
    PyOptimizer* optimizer;
    std::vector<py::str> counters;
    py::object slots;
    std::vector<std::unique_ptr<Member>> members;  // (position)
  };

  /// What memory is called in an error.
  std::string name(const Owner& owner, int which) const {
    const std::string tensor =
        "parameters[" + std::to_string(owner.group) + "][" + std::to_string(owner.position) + "]";
    if (which == Extents::parameter) return tensor;
    const Group& group = groups_[owner.group];
    py::object key;
    if (which >= 0)
      key = group.members[owner.position]->slots[std::size_t(which)].key;
    else
      key = group.counters[std::size_t(Extents::first_counter - which)];
    return std::string(py::repr(key)) + " in the state of " + tensor;
  }

  void check_idle() const {
    if (busy_) throw std::runtime_error("this optimizer is in the middle of a step on another thread.");
  }

  /// Tensors are compared by identity, as PyTorch hashes them: looking one up in the dict would call Python.
  void index(const py::dict& state) {
    owns_.clear();
    PyObject *key, *value;
    bool same = true;
    for (Py_ssize_t at = 0; PyDict_Next(state.ptr(), &at, &key, &value);) {
      if (owns_.size() == keys_.size()) keys_.push_back(nullptr);
      same = same && keys_[owns_.size()] == key;
      keys_[owns_.size()] = key;
      owns_.push_back(py::reinterpret_borrow<py::object>(value));
    }
    if (same && owns_.size() == places_.size()) return;
    places_.clear();
    for (std::size_t k = 0; k < owns_.size(); ++k) places_.emplace(keys_[k], k);
  }

  /// What is under a key: in what is lent, or else in the state.
  static py::object under(const py::object& key, const py::object& loan, PyObject* own) {
    PyObject* found = loan.is_none() ? nullptr : PyDict_GetItemWithError(loan.ptr(), key.ptr());
    if (!found && own && PyDict_Check(own)) found = PyDict_GetItemWithError(own, key.ptr());
    if (!found && PyErr_Occurred()) throw py::error_already_set();
    return found ? py::reinterpret_borrow<py::object>(found) : py::none();
  }

  bool take(Group& group, std::map<Numbers, std::size_t>& known, Member& m, const py::object& tensor,
            const py::object& gradient, const py::object& loan, const Owner& owner) {
    TensorView view;
    if (!reader_.read(tensor.ptr(), view, held_)) return false;
    if (!m.is_as(view) && !shape(group, m, view)) return false;
    const auto found = places_.find(tensor.ptr());
    PyObject* const own = found == places_.end() ? nullptr : owns_[found->second].ptr();
    if (!is_plain(m, 0, tensor, view)) return false;
    m.parameter.data = view.data;
    extents_.add_written(view, m.parameter.layout.contiguous ? nullptr : &m.parameter.layout, owner,
                         Extents::parameter);
    ParamGrad grad{&m.parameter, nullptr, &contiguous_, Dtype::f32};
    if (!take_gradient(m, grad, under(grad_, loan, nullptr).is_none() ? gradient : under(grad_, loan, nullptr), owner))
      return false;
    for (std::size_t s = 0; s < m.slots.size(); ++s) {
      const Slot& slot = m.slots[s];
      if (slot.key.is_none()) continue;
      const py::object array = under(slot.key, loan, own);
      if (!reader_.read(array.ptr(), view, held_) || view.dtype != real_of(m.parameter.dtype) ||
          !view.has_shape(slot.shape) || !view.contiguous() || !view.aligned() || !is_plain(m, s + 1, array, view))
        return false;
      m.parameter.state[s] = view.data;
      extents_.add_written(view, nullptr, owner, int(s));
    }
    Numbers numbers{};
    if (!count(group, m, loan, own, owner, numbers)) return false;
    const auto [at, fresh] = known.emplace(numbers, parts_.size());
    if (fresh) parts_.push_back({owner.group, numbers});
    parts_[at->second].grads.push_back(grad);
    parts_[at->second].members.push_back(&m);
    moved_.push_back(tensor);
    return true;
  }

  /// Takes on the type, shape and strides of a tensor.
  bool shape(Group& group, Member& m, const TensorView& view) {
    if (view.repeats() || !view.aligned()) return false;
    const Dtype real = real_of(view.dtype);
    Member fresh;
    fresh.shape.assign(view.shape, view.shape + view.axes);
    fresh.strides.assign(view.strides, view.strides + view.axes);
    fresh.parameter = {view.dtype, view.layout(), view.data, {}, {}, {}};
    fresh.parameter.is_matrix = group.optimizer->engine.rule.orthogonal && view.axes == 2;
    for (const py::handle each : group.slots(py::cast(fresh.shape))) {
      const auto [key, shape] = each.cast<std::pair<py::object, std::vector<std::int64_t>>>();
      std::size_t n = item_size(real);
      for (const std::int64_t length : shape) n *= std::size_t(length);
      fresh.scratch.emplace_back(key.is_none() ? n : 0);
      fresh.parameter.state.push_back(fresh.scratch.back().data());
      fresh.slots.push_back({key, shape});
    }
    if (fresh.slots.size() != group.optimizer->engine.rule.slots.size())
      throw py::value_error("slots must give a key and a shape for each slot of the rule.");
    fresh.plain.assign(1 + fresh.slots.size() + group.counters.size(), nullptr);
    fresh.known = true;
    m = std::move(fresh);
    return true;
  }

  /// As the reader's; asked anew where the address is another one.
  bool is_plain(Member& m, std::size_t which, const py::object& tensor, const TensorView& view) {
    if (m.plain[which] == view.data && view.data) return true;
    if (!reader_.is_plain(tensor.ptr(), view)) return false;
    m.plain[which] = view.data;
    return true;
  }

  bool take_gradient(Member& m, ParamGrad& grad, const py::object& gradient, const Owner& owner) {
    TensorView view;
    if (!reader_.read(gradient.ptr(), view, held_) || !view.has_shape(m.shape) || !view.aligned()) return false;
    // Its type is the tensor's, or a half one; a tensor of a half type takes float32 too.
    const Dtype own = m.parameter.dtype;
    if (view.dtype != own && !is_half(view.dtype) && !(is_half(own) && view.dtype == Dtype::f32)) return false;
    if (!reader_.is_plain(gradient.ptr(), view)) return false;
    grad.gradient = view.data;
    grad.dtype = view.dtype;
    if (!view.contiguous()) {
      m.gradient = view.layout();
      grad.layout = &m.gradient;
    }
    extents_.add_gradient(view, view.contiguous() ? nullptr : &m.gradient, owner);
    return true;
  }

  /// The numbers of a tensor; those that are lent are nobody's to write.
  bool count(const Group& group, Member& m, const py::object& loan, PyObject* own, const Owner& owner,
             Numbers& numbers) {
    const py::object given = under(numbers_, loan, nullptr);
    m.counted = given.is_none();
    if (!m.counted) {
      const auto values = given.cast<std::vector<double>>();
      if (values.size() > max_counters) throw py::value_error("too many numbers.");
      std::copy(values.begin(), values.end(), numbers.begin());
    } else if (group.counters.empty()) {
      numbers[0] = 1;  // there is state, so there was a step
    }
    for (std::size_t k = 0; m.counted && k < group.counters.size(); ++k) {
      TensorView view;
      const py::object value = under(group.counters[k], loan, own);
      if (!reader_.read(value.ptr(), view, held_) || view.axes != 0 || is_half(view.dtype) || !view.aligned() ||
          !is_plain(m, 1 + m.slots.size() + k, value, view))
        return false;
      m.counters[k] = {view.data, view.dtype};
      numbers[k] = m.counters[k].get();
      extents_.add_written(view, nullptr, owner, Extents::first_counter - int(k));
    }
    // What is no number has no place in a map.
    return numbers[0] >= 0 && numbers[0] <= most_steps && numbers[0] == std::floor(numbers[0]) &&
           std::none_of(numbers.begin(), numbers.end(), [](double x) { return std::isnan(x); });
  }

  const TensorReader reader_;
  const Layout contiguous_{};
  const py::str grad_ = "grad", numbers_ = "numbers";
  std::deque<Group> groups_;
  bool busy_ = false;
  std::vector<PyObject*> keys_;  // the tensors of the state, in its order; only ever compared
  std::unordered_map<PyObject*, std::size_t> places_;
  Extents extents_;
  // Of the step at hand:
  std::deque<Part> parts_;
  std::vector<py::object> moved_, held_;
  std::vector<py::object> owns_;  // the dicts of the state, in its order
};

}  // namespace

void bind_tensor_groups(py::module_& m) {
  SharedClass<TensorGroups>(m, "TensorGroups")
      .def(py::init<py::object, py::object>(), py::arg("type"), py::arg("source"))
      .def("add", &TensorGroups::add, py::arg("optimizer"), py::arg("counters"), py::arg("slots"))
      .def("replace", &TensorGroups::replace, py::arg("number"), py::arg("optimizer"), py::arg("slots"))
      .def("begin", &TensorGroups::begin)
      .def("read", &TensorGroups::read, py::arg("groups"), py::arg("state"), py::arg("lent"))
      .def("parts", &TensorGroups::parts)
      .def("moved", &TensorGroups::moved)
      .def("go", &TensorGroups::go, py::arg("part"), py::arg("done"), py::arg("after"))
      .def("end", &TensorGroups::end);
}

}  // namespace gs
