// What minimize has in common with Python: vectors as arrays, and functions that are Python's.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "bindings/arrays/arrays.hpp"
#include "minimize/compiled.hpp"

namespace gs::minimize {

inline void drop_reference(void* tag) { Py_DECREF(static_cast<PyObject*>(tag)); }

/// A new vector of float64, or of float32.
py::array new_array(std::size_t n, bool is_single);
/// The numbers of a vector in a new array.
py::array copied(const Vector& x, std::size_t n, bool is_single = false);
/// The array that belongs to a vector: made once, and never written.
py::object array_of(const Vector& x, std::size_t n, bool is_single = false);
/// A vector with the numbers of an array of n, float64 or float32; belongs: whether the array then belongs to it.
Vector vector_of(Function& function, const py::handle& array, bool belongs = true);
/// A Python Point's place, value and gradient; and back, by the class.
Point point_of(Function& function, const py::handle& point, bool belongs = true);
py::object python_point(const py::object& cls, const Function& function, const Point& point);

/// An Objective of Python by its methods `value` and `gradient`, which count and keep the best point themselves.
class Asked : public Function {
 public:
  explicit Asked(py::object objective, std::size_t n, bool is_single);
  void value(Point& point) override;
  void gradient(Point& point) override;
  double lowest() override { return objective_.attr("best_f").cast<double>(); }
  /// Takes over what may have changed.
  void refresh() { eps = objective_.attr("eps").cast<double>(); }

 private:
  const py::object objective_;
};

/// What an Objective of Python knows, for a function that counts by itself; and back.
void begin_counting(Counted& function, const py::object& objective, bool belongs);
void end_counting(Counted& function, const py::object& objective);

/// The functions of an Objective, called without its methods.
class Called : public Counted {
 public:
  Called(const py::object& objective, std::size_t n, bool is_single);
  void value(Point& point) override;
  void gradient(Point& point) override;

 private:
  py::object array_for(const Vector& x);
  py::object call(const py::object& function, const Vector& x);
  double number(const py::object& found);
  Vector gradient_of(py::handle found, const char* name);

  const py::object objective_, layout_, fun_, jac_;
  const bool is_flat_;
  py::object given_;  // to the last call
  std::vector<py::object> args_;
  std::vector<PyObject*> arguments_;
};

/// What work gives; that a run has ended is the exception of gradstep.minimize.stop in Python.
template <class Work> auto ends_as_in_python(Work work) {
  try {
    return work();
  } catch (const Stop& stop) {
    const py::object decrease = stop.decrease == stop.decrease ? py::object(py::float_(stop.decrease)) : py::none();
    PyErr_SetObject(py::module_::import("gradstep.minimize.stop").attr("Stop").ptr(),
                    py::make_tuple(stop.reason, stop.detail, decrease).ptr());
    throw py::error_already_set();
  }
}

/// A method of C++ as Python holds it.
class PyMethod {
 public:
  virtual ~PyMethod() = default;
  virtual Method& method() = 0;

  /// A step by the methods of an objective; gives a Point.
  py::object step(const py::object& objective, const py::object& point) {
    Asked& function = asked(objective, point);
    return ends_as_in_python([&] {
      return python_point(py::type::of(point), function, method().step(function, point_of(function, point)));
    });
  }
  double left(const py::object& objective, const py::object& point) {
    Asked& function = asked(objective, point);
    return ends_as_in_python([&] { return method().left(function, point_of(function, point)); });
  }

  bool needs_python = false;  // whether a step does, beside the function

 private:
  // The same as in the last step, mostly, with its vectors.
  Asked& asked(const py::object& objective, const py::object& point) {
    const py::array x = point.attr("x");
    if (!asked_ || !objective_.is(objective) || asked_->n != std::size_t(x.size())) {
      asked_ = std::make_unique<Asked>(objective, std::size_t(x.size()), !has_dtype<double>(x));
      objective_ = objective;
    }
    asked_->refresh();
    return *asked_;
  }
  std::unique_ptr<Asked> asked_;
  py::object objective_;
};

/// Machine code, and what keeps it where it is.
struct PyCode {
  PyCode(std::uintptr_t address, std::uintptr_t user, bool is_single, bool always_fills, py::object owner)
      : code{reinterpret_cast<void*>(address), reinterpret_cast<void*>(user), is_single, always_fills},
        owner(std::move(owner)) {}
  const MachineCode code;
  const py::object owner;
};

}  // namespace gs::minimize
