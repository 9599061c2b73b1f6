#include "bindings/module.hpp"
#include "bindings/turns.hpp"

#include <pybind11/stl.h>
#ifdef __GLIBCXX__
#include <cxxabi.h>
#endif

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "bindings/arrays/released.hpp"
#include "bindings/optimizers/optimizers.hpp"

namespace gs {
namespace {

// Where there are many small arrays it takes longer to hold them in place than another thread would wait.
constexpr std::size_t release_mean = 1 << 12, release_always = 1'000'000;
bool is_worth_release(std::size_t elements, std::size_t arrays) {
  return elements >= release_always || (elements >= release_size && elements / arrays >= release_mean);
}

class Bound {
 public:
  Bound(py::object optimizer, std::vector<std::size_t> indices, std::vector<std::string> labels, py::object convert)
      : owner_(std::move(optimizer)),
        optimizer_(owner_.cast<PyOptimizer&>()),
        places_(optimizer_, std::move(indices)),
        labels_(std::move(labels)),
        convert_(std::move(convert)) {
    if (labels_.size() != indices_.size()) throw py::value_error("labels and indices must be as many.");
    for (std::size_t i = 0; i < indices_.size(); ++i)
      for (std::size_t j = 0; j < i; ++j)
        if (indices_[j] == indices_[i])
          throw py::value_error(noun("parameter", labels_[i]) + " is " + noun("parameter", labels_[j]) +
                                " again; each must appear once.");
  }

  void step(py::handle gradients) {
    optimizer_.check_idle();
    // From here on: the checks may run Python code, and that another thread.
    const PyOptimizer::Busy busy(optimizer_);
    collect(gradients);
    if (grads_.empty()) return;  // nothing but None: no step was made
    // Everything is checked; only now is anything written.
    std::size_t total = 0;
    for (const ParamGrad& grad : grads_) total += grad.parameter->layout.size;
    Optimizer& engine = optimizer_.engine;
    const struct LetGo {
      Bound& bound;
      ~LetGo() {
        bound.held_.clear();
        bound.rows_.clear();
      }
    } let_go{*this};
    const auto step = [&] { return engine.step(grads_, nullptr, idle_); };
    Optimizer::Outcome outcome;
    if (!is_worth_release(total, grads_.size())) {
      outcome = step();
    } else {
      // Safe: the arrays are held, where they are, and the rest is the engine's own.
      std::vector<py::object> pins;
      for (std::size_t i = 0; i < held_.size(); ++i) {
        pins.push_back(pinned(py::reinterpret_borrow<py::array>(held_[i])));
        pins.push_back(pinned(optimizer_.arrays[indices_[moved_[i]]]));
      }
      outcome = released(step);
    }
    if (outcome == Optimizer::Outcome::nonfinite && engine.options.nonfinite == Options::Nonfinite::raise) refuse();
  }

  /// Throws what `step` would before it writes anything.
  void check(py::handle gradients) {
    optimizer_.check_idle();
    const PyOptimizer::Busy busy(optimizer_);
    collect(gradients);
    const bool good = optimizer_.engine.admits(grads_);
    held_.clear();
    rows_.clear();
    if (!good) refuse();
  }

 private:
  /// The gradients of a step, checked.
  void collect(py::handle gradients) {
    places_.check(optimizer_);
    optimizer_.prepare(1);
    grads_.clear();
    moved_.clear();
    held_.clear();
    rows_.clear();
    if (labels_.size() == 1 && labels_[0].empty()) {
      take(0, gradients);
    } else if (PyList_Check(gradients.ptr()) || PyTuple_Check(gradients.ptr())) {
      check_gradient_count(std::size_t(PySequence_Fast_GET_SIZE(gradients.ptr())), indices_.size());
      for (std::size_t i = 0; i < indices_.size(); ++i) {
        check_gradient_count(std::size_t(PySequence_Fast_GET_SIZE(gradients.ptr())),
                             indices_.size());  // again: the checks may run Python code
        take(i, PySequence_Fast_GET_ITEM(gradients.ptr(), i));
      }
    } else {
      throw py::type_error("gradients must be a list or tuple of " + std::to_string(indices_.size()) +
                           " arrays, in the parameters' order; got " +
                           std::string(py::str(py::type::of(gradients).attr("__name__"))) + ".");
    }
    idle_.clear();
    if (optimizer_.engine.options.average && grads_.size() < optimizer_.parameters.size()) find_idle();
  }

  /// What has no gradient in this step, but an average that goes on.
  void find_idle() {
    std::vector<bool> moved(optimizer_.parameters.size());
    for (const ParamGrad& grad : grads_) moved[grad.parameter->number] = true;
    for (const Parameter& p : optimizer_.parameters) {
      if (moved[p.number]) continue;
      optimizer_.check_unmoved(p.number, "[" + std::to_string(p.number) + "]");
      idle_.push_back(&p);
    }
  }

  [[noreturn]] void refuse() const {
    throw_nonfinite(noun("gradient", labels_[moved_[optimizer_.engine.culprit]]), optimizer_.engine);
  }

  void take(std::size_t i, py::handle object) {
    if (object.is_none()) return;
    if (Py_IS_TYPE(object.ptr(), exact_)) {
      if (const Parameter* const parameter = optimizer_.fitting(indices_[i], object.ptr())) {
        const auto* const g = reinterpret_cast<const std::byte*>(py::detail::array_proxy(object.ptr())->data);
        grads_.push_back({parameter, g, &contiguous_, parameter->dtype});
        moved_.push_back(i);
        held_.push_back(py::reinterpret_borrow<py::object>(object));
        return;
      }
    }
    py::object array = py::reinterpret_borrow<py::object>(object);
    // Subclasses too: numpy.ma's, for one, would lose its mask.
    if (!Py_IS_TYPE(object.ptr(), exact_)) array = convert_(array, noun("gradient", labels_[i]));
    optimizer_.check_unmoved(indices_[i], labels_[i]);
    if (!py::isinstance<py::array>(array) && py::hasattr(array, "rows")) return take_rows(i, array);
    py::array gradient = as_array(array, noun("gradient", labels_[i]));
    // The parameter itself, as in the gradient of half its square: read before it is updated.
    if (optimizer_.is_itself(indices_[i], gradient)) array = gradient = py::array(gradient.attr("copy")());
    const Parameter& parameter = optimizer_.parameters.at(indices_[i]);
    const Dtype dtype = optimizer_.check_gradient(parameter, gradient, labels_[i]);
    // A gradient in C order needs no layout of its own.
    const bool plain = gradient.flags() & py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_;
    if (!plain) layouts_.resize(indices_.size());
    if (!plain) layouts_[i] = layout_of(gradient);
    grads_.push_back({&parameter, bytes(gradient), plain ? &contiguous_ : &layouts_[i], dtype});
    moved_.push_back(i);
    held_.push_back(std::move(array));
  }

  // sparse: a RowSparse
  void take_rows(std::size_t i, const py::object& sparse) {
    Parameter& parameter = optimizer_.parameters.at(indices_[i]);
    const py::array rows = sparse.attr("rows"), values = sparse.attr("values");
    rows_.push_back(optimizer_.check_rows(parameter, sparse.attr("shape"), rows, values, labels_[i]));
    if (!optimizer_.engine.options.lazy && !parameter.pending)
      parameter.pending = std::make_unique<PendingSteps>(std::size_t(parameter.layout.shape[0]));
    grads_.push_back({&parameter, nullptr, &contiguous_, parameter.dtype, rows_.back().get()});
    moved_.push_back(i);
    held_.push_back(values);
  }

  py::object owner_;
  PyOptimizer& optimizer_;
  Places places_;
  const std::vector<std::size_t>& indices_ = places_.indices;
  std::vector<std::string> labels_;
  py::object convert_;
  PyTypeObject* const exact_ = py::detail::npy_api::get().PyArray_Type_;
  std::vector<ParamGrad> grads_;
  Optimizer::Idle idle_;
  std::vector<std::size_t> moved_;  // (gradient): which of the indices
  std::vector<py::object> held_;
  std::vector<std::unique_ptr<RowGradient>> rows_;
  std::vector<Layout> layouts_;
  const Layout contiguous_{};
};

PyObject* step_of(PyObject* self, PyObject* gradients) {
  try {
    const auto held = reinterpret_cast<py::detail::instance*>(self)->get_value_and_holder();
    if (!held.value_ptr()) throw std::runtime_error("Bound was made without __init__.");
    const Turn turn;
    static_cast<Bound*>(held.value_ptr())->step(gradients);
    Py_RETURN_NONE;
  } catch (py::error_already_set& error) {
    error.restore();
#ifdef __GLIBCXX__
  } catch (abi::__forced_unwind&) {  // a thread that is ended while it steps
    throw;
#endif
  } catch (...) {
    py::detail::try_translate_exceptions();
  }
  return nullptr;
}

}  // namespace

void bind_bound(py::module_& m) {
  SharedClass<Bound>(m, "Bound")
      .def(py::init<py::object, std::vector<std::size_t>, std::vector<std::string>, py::object>())
      .def("check", &Bound::check, py::pos_only());
  // Without pybind11's dispatcher, which takes a third of the time of a small step.
  static PyMethodDef step{"step", &step_of, METH_O, "step($self, gradients, /)\n--\n\nTake one step."};
  const py::object type = m.attr("Bound");
  auto* const method = PyDescr_NewMethod(reinterpret_cast<PyTypeObject*>(type.ptr()), &step);
  if (!method) throw py::error_already_set();
  type.attr("step") = py::reinterpret_steal<py::object>(method);
}

}  // namespace gs
