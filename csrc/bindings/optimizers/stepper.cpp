#include "bindings/optimizers/stepper.hpp"

#include <pybind11/stl.h>

#include <algorithm>
#include <deque>
#include <map>
#include <string>

#include "bindings/arrays/data.hpp"
#include "bindings/arrays/released.hpp"
#include "bindings/module.hpp"
#include "update/chunks.hpp"

namespace gs {
namespace {

Stepper make_engine(const std::vector<py::object>& optimizers, const std::vector<PyStepper::Place>& places) {
  std::vector<Optimizer*> engines;
  for (const py::object& optimizer : optimizers) engines.push_back(&optimizer.cast<PyOptimizer&>().engine);
  std::vector<Stepper::Owner> owners;
  for (const auto& [which, number] : places)
    owners.push_back({which, &optimizers.at(which).cast<PyOptimizer&>().parameters.at(number)});
  return {std::move(engines), std::move(owners)};
}

/// Weights of an array that steps move, as the engine has them; deque: their addresses stay.
Parameter parameter_of(const py::array& array, const std::string& name) {
  return {check_parameter(array, name), layout_of(array), bytes(array), {}, {}, {}};
}

/// work(team), of a size that says how many threads it is worth.
template <class Work> void in_team(std::size_t elements, Work work) {
  released([&] { ThreadTeam::run(threads_worth(elements), [&](ThreadTeam& team) { work(&team); }); });
}

/// Arrays and what belongs to each, checked.
class Pairs {
 public:
  Pairs(const std::vector<py::array>& arrays, const std::vector<py::array>& others, const char* what) {
    if (arrays.size() != others.size()) throw py::value_error(std::string(what) + " must be as many as the arrays.");
    for (std::size_t k = 0; k < arrays.size(); ++k) {
      const std::string at = "[" + std::to_string(k) + "]";
      parameters.push_back(parameter_of(arrays[k], "arrays" + at));
      if (!has_shape(others[k], parameters.back().layout))
        throw py::value_error(what + at + " must have the shape of its array.");
      layouts.push_back(layout_of(others[k]));
      pins_.push_back(pinned(arrays[k]));
      pins_.push_back(pinned(others[k]));
      elements += parameters.back().layout.size;
    }
  }
  std::deque<Parameter> parameters;
  std::deque<Layout> layouts;  // of the others
  std::size_t elements = 0;

 private:
  std::vector<py::object> pins_;  // the memory stays where it is
};

std::vector<ParamGrad> gradients_of(const Pairs& pairs, const std::vector<py::array>& gradients) {
  std::vector<ParamGrad> all;
  for (std::size_t k = 0; k < gradients.size(); ++k) {
    const std::string name = "gradients[" + std::to_string(k) + "]";
    const Dtype dtype = any_float_dtype(gradients[k], name), real = real_of(pairs.parameters[k].dtype);
    if (dtype != real && item_size(dtype) != 2)
      throw py::type_error(name + " must be of the type that its array is computed in, or a half one.");
    all.push_back({&pairs.parameters[k], bytes(gradients[k]), &pairs.layouts[k], dtype});
  }
  return all;
}

}  // namespace

PyStepper::PyStepper(const std::vector<py::object>& optimizers, const std::vector<Place>& places, py::object around)
    : owners_(optimizers), around_(std::move(around)), engine_(make_engine(optimizers, places)) {
  for (std::size_t k = 0; k < optimizers.size(); ++k) {
    optimizers_.push_back(&optimizers[k].cast<PyOptimizer&>());
    std::vector<std::size_t> numbers;
    for (const auto& [which, number] : places)
      if (which == k) numbers.push_back(number);
    places_.emplace_back(*optimizers_.back(), std::move(numbers));
  }
}

void PyStepper::check_weights(const std::vector<const std::byte*>& weights) const {
  const auto& owners = engine_.owners();
  const bool all = owners.size() == weights.size() &&
                   std::equal(owners.begin(), owners.end(), weights.begin(),
                              [](const auto& owner, const std::byte* at) { return owner.parameter->data == at; });
  if (!all) throw py::value_error("places must name the network's trainable weights, in order.");
}

void PyStepper::check_idle() const {
  for (const PyOptimizer* optimizer : optimizers_) optimizer->check_idle();
}

void PyStepper::throw_refused() const {
  throw_nonfinite(noun("gradient", "[" + std::to_string(engine_.culprit()) + "]"), *engine_.refusing());
}

PyStepper::Busy::Busy(PyStepper& stepper, std::size_t steps) : stepper_(stepper) {
  stepper.check_idle();
  for (std::size_t k = 0; k < stepper.places_.size(); ++k) stepper.places_[k].check(*stepper.optimizers_[k]);
  for (PyOptimizer* optimizer : stepper.optimizers_) optimizer->flush();  // what row-sparse steps left to do
  for (PyOptimizer* optimizer : stepper.optimizers_) busy_.emplace_back(*optimizer);
  if (!stepper.around_.is_none()) stepper.read_around(busy_);
  for (PyOptimizer* optimizer : stepper.optimizers_) optimizer->prepare(steps);
}

PyStepper::Busy::~Busy() { stepper_.held_.clear(); }

void PyStepper::read_around(std::list<PyOptimizer::Busy>& busy) {
  held_.clear();
  const auto words = around_().cast<py::tuple>();
  engine_.lookaheads.clear();
  for (const py::handle one : words[0]) read_lookahead(one.cast<py::tuple>(), busy);
  engine_.sharpness.reset();
  if (words[1].is_none()) return;
  const auto sam = words[1].cast<py::tuple>();
  engine_.sharpness = {sam[1].cast<double>(), sam[2].cast<bool>()};
  engine_.set_order(order_of(sam[0].cast<PyOptimizer&>()));
}

void PyStepper::read_lookahead(const py::tuple& words, std::list<PyOptimizer::Busy>& busy) {
  Lookahead made{{}, {}, words[3].cast<std::int64_t>(), words[4].cast<double>()};
  for (const py::handle one : words[0]) made.optimizers.push_back(&one.cast<PyOptimizer&>().engine);
  auto& known = words[1].cast<PyOptimizer&>();
  const auto slow = words[2].cast<py::list>();
  if (slow.size() != known.parameters.size()) throw std::runtime_error("each array must have a slow one.");
  for (std::size_t k = 0; k < slow.size(); ++k) {
    known.check_unmoved(k, "[" + std::to_string(k) + "]");  // those without a gradient meet too
    const py::array array = slow[k];
    made.weights.push_back({&known.parameters[k], bytes(array)});
    held_.push_back(array);
  }
  held_.push_back(words[1]);
  busy.emplace_back(known);
  engine_.lookaheads.push_back(std::move(made));
}

std::vector<std::size_t> PyStepper::order_of(const PyOptimizer& known) const {
  std::map<const std::byte*, std::size_t> numbers;
  for (std::size_t k = 0; k < known.parameters.size(); ++k) numbers[known.parameters[k].data] = k;
  const auto number = [&](std::size_t weight) { return numbers[engine_.owners()[weight].parameter->data]; };
  std::vector<std::size_t> order(engine_.owners().size());
  for (std::size_t k = 0; k < order.size(); ++k) order[k] = k;
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return number(a) < number(b); });
  return order;
}

void bind_wrappers(py::module_& m) {
  m.def(
      "meet",
      [](const std::vector<py::array>& arrays, const std::vector<py::array>& slow, double part) {
        const Pairs pairs(arrays, slow, "slow");
        std::vector<SlowWeight> weights;
        for (std::size_t k = 0; k < slow.size(); ++k) {
          const std::string name = "slow[" + std::to_string(k) + "]";
          check_writable(slow[k], name);
          if (any_float_dtype(slow[k], name) != real_of(pairs.parameters[k].dtype) || !pairs.layouts[k].contiguous)
            throw py::type_error(name + " must be in C order, of the type that its array is computed in.");
          weights.push_back({&pairs.parameters[k], bytes(slow[k])});
        }
        in_team(pairs.elements, [&](ThreadTeam* team) { meet(weights, part, team); });
      },
      py::arg("arrays"), py::arg("slow"), py::arg("part"));
  m.def(
      "climb",
      [](const std::vector<py::array>& arrays, const std::vector<py::array>& gradients, double rho, bool adaptive) {
        const Pairs pairs(arrays, gradients, "gradients");
        const std::vector<ParamGrad> grads = gradients_of(pairs, gradients);
        in_team(pairs.elements, [&](ThreadTeam* team) { climb(grads, rho, adaptive, team); });
      },
      py::arg("arrays"), py::arg("gradients"), py::arg("rho"), py::arg("adaptive"));
  m.def(
      "norm",
      [](const std::vector<py::array>& arrays) {
        std::deque<Parameter> parameters;
        std::vector<ParamGrad> grads;
        std::size_t elements = 0;
        for (const py::array& array : arrays) {
          const std::string name = "arrays[" + std::to_string(grads.size()) + "]";
          parameters.push_back({any_float_dtype(array, name), layout_of(array), bytes(array), {}, {}, {}});
          const Parameter& p = parameters.back();
          grads.push_back({&p, p.data, &p.layout, p.dtype});
          elements += p.layout.size;
        }
        double found = 0;
        in_team(elements, [&](ThreadTeam* team) { found = norm(grads, false, team); });
        return found;
      },
      py::arg("arrays"));
}

}  // namespace gs
