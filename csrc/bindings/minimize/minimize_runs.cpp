// Runs of methods, and line searches.
#include <pybind11/stl.h>

#include <functional>
#include <optional>

#include "bindings/arrays/released.hpp"
#include "bindings/minimize/minimize.hpp"
#include "bindings/module.hpp"
#include "minimize/line_search.hpp"
#include "minimize/loop.hpp"

namespace gs::minimize {
namespace {

/// One of the numbers of every iteration.
py::array numbers(const Record& record, double Iteration::* which) {
  py::array_t<double> made{py::ssize_t(record.iterations.size())};
  double* to = made.mutable_data();
  for (const Iteration& one : record.iterations) *to++ = one.*which;
  return made;
}

/// A method that is Python's.
class External : public Method {
 public:
  External(const py::object& method, py::object point) : method_(method), point(std::move(point)) {
    has_gradients = method_.attr("needs").cast<std::string>() != "value";
    makes_runs = method_.attr("makes_runs").cast<bool>();
  }
  Point step(Function& function, const Point&) override {
    py::object next = method_.attr("_step")(point);
    const Point made = point_of(function, next);
    point = std::move(next);
    return made;
  }
  double optimality(Function&, const Point&) override { return method_.attr("_optimality")(point).cast<double>(); }
  double left(Function&, const Point&) override {
    const py::object found = method_.attr("_left")(point);
    return found.is_none() ? nan : found.cast<double>();
  }

 private:
  const py::object method_;

 public:
  py::object point;  // where it stands
};

// -- runs ----

/// What a run evaluates; `counted` is the same where its calls are counted here, else null.
struct Evaluated {
  std::unique_ptr<Function> function;
  Counted* counted = nullptr;
};

/// direct: whether the objective's functions may be called without its methods.
Evaluated evaluated(const py::object& objective, PyMethod* own, bool direct, const MachineCode* code, std::size_t n,
                    bool is_single) {
  Evaluated made;
  if (!own || !(direct || code)) {
    made.function = std::make_unique<Asked>(objective, n, is_single);
    return made;
  }
  if (code)
    made.counted = new Compiled(n, *code, own->method().has_gradients, &drop_reference);
  else
    made.counted = new Called(objective, n, is_single);
  made.function.reset(made.counted);
  made.counted->is_single = is_single;
  if (code) begin_counting(*made.counted, objective, false);
  return made;
}

/// What ends a run by an exception of Python: a `Stop`, or Ctrl-C; other errors pass.
std::optional<Stop> stop_of(py::error_already_set& error, const py::object& StopClass) {
  if (error.matches(PyExc_KeyboardInterrupt)) return Stop("interrupted");
  if (!error.matches(StopClass)) return std::nullopt;
  const py::object raised = error.value();
  Stop stop(raised.attr("reason").cast<std::string>().c_str(), raised.attr("detail").cast<std::string>());
  if (!raised.attr("decrease").is_none()) stop.decrease = raised.attr("decrease").cast<double>();
  return stop;
}

/// The points of a record, or None if it keeps none.
py::object points_of(const Record& record, std::size_t n, bool is_single) {
  if (!record.keeps_points) return py::none();
  py::list points;
  for (const Vector& one : record.points) points.append(array_of(one, n, is_single));
  return points;
}

py::dict history_of(const Record& record) {
  py::dict history;
  history["fun"] = numbers(record, &Iteration::fun);
  history["gnorm"] = numbers(record, &Iteration::gnorm);
  history["step"] = numbers(record, &Iteration::step);
  history["alpha"] = numbers(record, &Iteration::alpha);
  history["time"] = numbers(record, &Iteration::time);
  return history;
}

/// Runs a method from a point. native: it as a PyMethod, or None. code: the function in machine code, or None.
/// direct: whether the objective's functions may be called without its methods. Gives the reason, its detail, the
/// decrease that is expected, the last point, and the history.
py::tuple descend(const py::object& objective, const py::object& method, const py::object& native, bool direct,
                  const PyCode* compiled, const py::object& start, const std::vector<double>& rules, bool keeps_points,
                  double begin, const py::object& callback, const py::object& StopClass) {
  const MachineCode* const code = compiled ? &compiled->code : nullptr;
  PyMethod* const own = native.is_none() ? nullptr : native.cast<PyMethod*>();
  const py::array x = start.attr("x");
  const auto n = std::size_t(x.size());
  const bool is_single = !has_dtype<double>(x);
  const py::object cls = py::type::of(start);
  std::optional<External> external;
  if (!own) external.emplace(method, start);
  const Evaluated made = evaluated(objective, own, direct, code, n, is_single);
  Function& function = *made.function;
  Counted* const counted = made.counted;
  const bool is_free = own && code && !own->needs_python;
  Point point = point_of(function, start, !is_free);
  if (counted && code && counted->best.f == point.f) counted->best = point;
  Record record;
  record.keeps_points = keeps_points;
  record.begin = begin;
  const auto known = [&] {
    if (counted) end_counting(*counted, objective);
  };
  std::function<bool(const Point&, std::int64_t)> called;
  if (!callback.is_none())
    called = [&](const Point& now, std::int64_t k) {
      const py::gil_scoped_acquire held;
      known();
      const py::object given = external ? external->point
                                        : cls(copied(now.x, n, is_single), now.f,
                                              now.g ? py::object(copied(now.g, n)) : py::none(), now.alpha);
      return callback(given, k).cast<bool>();
    };
  Method& chosen = own ? own->method() : *external;
  const Rules limits{rules.at(0), rules.at(1), rules.at(2), rules.at(3), rules.at(4)};
  std::optional<Stop> stop;
  py::object decrease = py::none();
  try {
    const auto go = [&] { stop.emplace(run(function, chosen, point, limits, record, called)); };
    if (is_free)
      released(go);
    else
      go();
  } catch (py::error_already_set& error) {
    known();
    stop = stop_of(error, StopClass);
    if (!stop) throw;
  } catch (...) {
    known();
    throw;
  }
  known();
  if (stop->decrease == stop->decrease) decrease = py::float_(stop->decrease);
  return py::make_tuple(stop->reason, stop->detail, decrease,
                        external ? external->point : python_point(cls, function, point), history_of(record),
                        record.turns, points_of(record, n, is_single));
}

/// A line search for a method of Python, from a Point along d, with the slope there and the value that is to be
/// undercut; whether a point was found, and that, or the lowest trial or None.
py::tuple line_search(const py::object& objective, const py::object& from, const py::handle& d, double slope, double f0,
                      double alpha, double c1, std::optional<double> c2, double longest, int limit) {
  const py::array x = from.attr("x");
  Asked function(objective, std::size_t(x.size()), !has_dtype<double>(x));
  const Point start = point_of(function, from);
  const Vector along = vector_of(function, d, false);
  Line line(function, start, along, slope);
  line.f0 = f0;
  Point found;
  bool good;
  if (c2) {
    good = strong_wolfe(line, found, alpha, c1, *c2, longest, limit);
  } else {
    good = armijo(line, alpha, c1, limit);
    if (good) found = line.trial;
  }
  const py::object point = found.x ? python_point(py::type::of(from), function, found) : py::none();
  return py::make_tuple(good, point);
}

double largest_in(const py::array_t<double, py::array::c_style | py::array::forcecast>& v) {
  return largest(v.data(), std::size_t(v.size()));
}

}  // namespace
}  // namespace gs::minimize

namespace gs {

void bind_minimize_runs(py::module_& m) {
  m.def("descend", &minimize::descend);
  m.def("line_search", &minimize::line_search);
  m.def("largest", &minimize::largest_in);
}

}  // namespace gs
