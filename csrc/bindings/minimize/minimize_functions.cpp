#include "bindings/minimize/minimize.hpp"

namespace gs::minimize {
namespace {

void set_bounds(Function& function, const py::object& objective) {
  const py::object bounds = objective.attr("bounds");
  if (bounds.is_none()) return;
  function.lower = vector_of(function, bounds.attr("lower"), false);
  function.upper = vector_of(function, bounds.attr("upper"), false);
}

/// Whether it is a vector of n float64 that can be copied as it lies.
bool is_plain(py::handle object, std::size_t n) {
  const auto& api = py::detail::npy_api::get();
  if (!Py_IS_TYPE(object.ptr(), api.PyArray_Type_)) return false;
  const auto* const array = py::detail::array_proxy(object.ptr());
  static PyObject* const float64 = api.PyArray_DescrFromType_(py::detail::npy_api::NPY_DOUBLE_);
  constexpr int both = py::detail::npy_api::NPY_ARRAY_ALIGNED_ | py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_;
  return array->nd == 1 && std::size_t(array->dimensions[0]) == n && array->descr == float64 &&
         (array->flags & both) == both;
}

}  // namespace

py::array new_array(std::size_t n, bool is_single) {
  const auto& api = py::detail::npy_api::get();
  const py::ssize_t shape[1] = {py::ssize_t(n)};
  PyObject* const dtype =
      api.PyArray_DescrFromType_(is_single ? py::detail::npy_api::NPY_FLOAT_ : py::detail::npy_api::NPY_DOUBLE_);
  PyObject* const made = api.PyArray_NewFromDescr_(api.PyArray_Type_, dtype, 1, shape, nullptr, nullptr, 0, nullptr);
  if (!made) throw py::error_already_set();
  return py::reinterpret_steal<py::array>(made);
}

py::array copied(const Vector& x, std::size_t n, bool is_single) {
  py::array made = new_array(n, is_single);
  if (is_single)
    std::copy_n(x.data(), n, reinterpret_cast<float*>(bytes(made)));
  else
    std::copy_n(x.data(), n, reinterpret_cast<double*>(bytes(made)));
  return made;
}

py::object array_of(const Vector& x, std::size_t n, bool is_single) {
  if (!x.tag()) x.tag() = copied(x, n, is_single).release().ptr();
  return py::reinterpret_borrow<py::object>(static_cast<PyObject*>(x.tag()));
}

Vector vector_of(Function& function, const py::handle& given, bool belongs) {
  const Vector x = function.vectors.make();
  if (is_plain(given, function.n)) {
    std::copy_n(reinterpret_cast<const double*>(bytes(py::reinterpret_borrow<py::array>(given))), function.n, x.data());
  } else {
    const auto numbers = py::array_t<double, py::array::c_style | py::array::forcecast>::ensure(given);
    if (!numbers) throw py::error_already_set();
    if (std::size_t(numbers.size()) != function.n)
      throw py::value_error("a point or gradient must have " + std::to_string(function.n) + " numbers; got " +
                            std::to_string(numbers.size()) + ".");
    std::copy_n(numbers.data(), function.n, x.data());
  }
  if (belongs) x.tag() = given.inc_ref().ptr();
  return x;
}

Point point_of(Function& function, const py::handle& given, bool belongs) {
  Point point;
  point.x = vector_of(function, given.attr("x"), belongs);
  point.f = given.attr("f").cast<double>();
  point.alpha = given.attr("alpha").cast<double>();
  const py::object g = given.attr("g");
  if (!g.is_none()) point.g = vector_of(function, g, belongs);
  return point;
}

py::object python_point(const py::object& cls, const Function& function, const Point& point) {
  const py::object g = point.g ? array_of(point.g, function.n) : py::none();
  return cls(array_of(point.x, function.n, function.is_single), point.f, g, point.alpha);
}

Asked::Asked(py::object objective, std::size_t n, bool is_single)
    : Function(n, &drop_reference), objective_(std::move(objective)) {
  this->is_single = is_single;
  is_pair = objective_.attr("is_pair").cast<bool>();
  set_bounds(*this, objective_);
  refresh();
}

void Asked::value(Point& point) { point.f = objective_.attr("value")(array_of(point.x, n, is_single)).cast<double>(); }

void Asked::gradient(Point& point) {
  point.g = vector_of(*this, objective_.attr("gradient")(array_of(point.x, n, is_single)));
}

void begin_counting(Counted& function, const py::object& objective, bool belongs) {
  const py::object limits = objective.attr("limits");
  function.maxfev = limits.attr("maxfev").cast<double>();
  function.maxtime = limits.attr("maxtime").cast<double>();
  function.target = limits.attr("target").cast<double>();
  function.begin = limits.attr("begin").cast<double>();
  function.nfev = objective.attr("nfev").cast<std::int64_t>();
  function.njev = objective.attr("njev").cast<std::int64_t>();
  function.eps = objective.attr("eps").cast<double>();
  function.is_pair = objective.attr("is_pair").cast<bool>();
  set_bounds(function, objective);
  function.best.f = objective.attr("best_f").cast<double>();
  function.best.x = vector_of(function, objective.attr("best_x"), belongs);
  const py::object g = objective.attr("best_g");
  if (!g.is_none()) function.best.g = vector_of(function, g, belongs);
}

void end_counting(Counted& function, const py::object& objective) {
  objective.attr("nfev") = function.nfev;
  objective.attr("njev") = function.njev;
  const Point& best = function.best;
  const bool is_new = best.f < objective.attr("best_f").cast<double>();
  if (!is_new) return;
  const py::object x = array_of(best.x, function.n, function.is_single);
  const py::object g = best.g ? array_of(best.g, function.n) : py::none();
  for (const char* name : {"best_x", "_x"}) objective.attr(name) = x;
  for (const char* name : {"best_f", "_f"}) objective.attr(name) = best.f;
  for (const char* name : {"best_g", "_g"}) objective.attr(name) = g;
}

Called::Called(const py::object& objective, std::size_t n, bool is_single)
    : Counted(n, &drop_reference),
      objective_(objective),
      layout_(objective.attr("layout")),
      fun_(objective.attr("fun")),
      jac_(objective.attr("jac")),
      is_flat_(layout_.attr("is_vector").cast<bool>()) {
  this->is_single = is_single;
  for (const py::handle one : objective.attr("args").cast<py::tuple>())
    args_.push_back(py::reinterpret_borrow<py::object>(one));
  arguments_.resize(2 + args_.size());  // [0] is the interpreter's to use
  for (std::size_t i = 0; i < args_.size(); ++i) arguments_[2 + i] = args_[i].ptr();
  begin_counting(*this, objective, true);
}

/// An array with the numbers of x: the last one again, if nobody but us has it and it is as it was.
py::object Called::array_for(const Vector& x) {
  constexpr int own = py::detail::npy_api::NPY_ARRAY_OWNDATA_ | py::detail::npy_api::NPY_ARRAY_WRITEABLE_;
  if (given_ && Py_REFCNT(given_.ptr()) == 1 && is_plain(given_, n) &&
      (py::detail::array_proxy(given_.ptr())->flags & own) == own) {
    std::copy_n(x.data(), n, reinterpret_cast<double*>(py::detail::array_proxy(given_.ptr())->data));
    return std::move(given_);
  }
  return copied(x, n, is_single);
}

/// function(x, *args), with an x for it alone.
py::object Called::call(const py::object& function, const Vector& x) {
  py::object given = array_for(x);
  if (!is_flat_) given = layout_.attr("restore")(given);
  // Calls may be nested: fun may minimize.
  PyObject* few[8];
  std::vector<PyObject*> many;
  PyObject** arguments = few;
  if (arguments_.size() > 8) {
    many = arguments_;
    arguments = many.data();
  } else {
    std::copy(arguments_.begin(), arguments_.end(), few);
  }
  arguments[1] = given.ptr();
  PyObject* const found =
      PyObject_Vectorcall(function.ptr(), arguments + 1, (1 + args_.size()) | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr);
  if (!found) throw py::error_already_set();
  given_ = std::move(given);
  return py::reinterpret_steal<py::object>(found);
}

double Called::number(const py::object& found) {
  if (PyFloat_Check(found.ptr())) return PyFloat_AS_DOUBLE(found.ptr());
  const double value = objective_.attr("_number")(found).cast<double>();
  eps = objective_.attr("eps").cast<double>();
  return value;
}

Vector Called::gradient_of(py::handle found, const char* name) {
  if (is_flat_ && is_plain(found, n)) return vector_of(*this, found, false);
  return vector_of(*this, layout_.attr("flatten")(found, name), false);
}

void Called::value(Point& point) {
  spend();
  const py::object found = call(fun_, point.x);
  if (!is_pair) {
    point.f = number(found);
  } else {
    py::object parts = found;
    if (!PyTuple_CheckExact(found.ptr()) || PyTuple_GET_SIZE(found.ptr()) != 2)
      parts = objective_.attr("_split")(found);
    ++njev;
    point.f = number(py::reinterpret_borrow<py::object>(PyTuple_GET_ITEM(parts.ptr(), 0)));
    point.g = gradient_of(PyTuple_GET_ITEM(parts.ptr(), 1), "the gradient that fun gives");
  }
  saw(point);
}

void Called::gradient(Point& point) {
  if (is_pair) return value(point);
  if (maxtime < inf && seconds() - begin > maxtime) throw Stop("maxtime");
  point.g = gradient_of(call(jac_, point.x), "jac(x)");
  ++njev;
  saw_gradient(point);
}

}  // namespace gs::minimize
