#include "bindings/minimize.hpp"

#include <pybind11/functional.h>
#include <pybind11/stl.h>

#include <memory>
#include <optional>

#include "bindings/module.hpp"
#include "bindings/optimizers.hpp"
#include "bindings/released.hpp"
#include "minimize/bfgs.hpp"
#include "minimize/compiled.hpp"
#include "minimize/descent.hpp"
#include "minimize/lbfgs.hpp"
#include "minimize/line_search.hpp"
#include "minimize/loop.hpp"

namespace gs::minimize {
namespace {

py::array numbers(const std::vector<double>& all) { return py::array_t<double>(py::ssize_t(all.size()), all.data()); }

// -- methods ----

/// The pairs of L-BFGS, in a pool of their own.
struct PyMemory {
  PyMemory(std::size_t n, std::size_t m) : n(n), most(m), function(n), memory(m) {}

  bool add(const py::handle& s, const py::handle& y) {
    const Vector from = vector_of(function, s, false), to = vector_of(function, y, false);
    const Vector zero = function.vectors.make();
    std::fill_n(zero.data(), function.vectors.size(), 0.0);
    const Vector step = function.vectors.make(), turn = function.vectors.make();
    return memory.add(step, turn, change(from, zero, to, zero, step, turn, function.vectors.size()));
  }
  py::array product(const py::handle& g) {
    const Vector from = vector_of(function, g, false), d = function.vectors.make();
    memory.direction(from, d, function.vectors.size());
    for (std::size_t i = 0; i < n; ++i) d[i] = -d[i];
    return copied(d, n);
  }
  py::list arrays(Vector Memory::Pair::* which) const {
    py::list all;
    for (std::size_t i = 0; i < memory.count(); ++i) all.append(copied(memory.pair(i).*which, n));
    return all;
  }

  struct Space : Function {
    using Function::Function;
    void value(Point&) override {}
    void gradient(Point&) override {}
    double lowest() override { return nan; }
  };
  const std::size_t n, most;
  Space function;
  Memory memory;
};

/// A method of C++ as Python holds it.
class PyMethod {
 public:
  virtual ~PyMethod() = default;
  virtual Method& method() = 0;

  /// A step by the methods of an objective; gives a Point.
  py::object step(const py::object& objective, const py::object& point) {
    Asked& function = asked(objective, point);
    return python_point(py::type::of(point), function, method().step(function, point_of(function, point)));
  }
  double left(const py::object& objective, const py::object& point) {
    Asked& function = asked(objective, point);
    return method().left(function, point_of(function, point));
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

class PyLBFGS : public PyMethod {
 public:
  PyLBFGS(std::shared_ptr<PyMemory> memory, double c1, double c2)
      : memory(std::move(memory)), c1(c1), c2(c2), method_(this->memory->memory, c1, c2) {}
  Method& method() override { return method_; }

  const std::shared_ptr<PyMemory> memory;
  const double c1, c2;

 private:
  LBFGS method_;
};

class PyBFGS : public PyMethod {
 public:
  PyBFGS(std::size_t n, double c1, double c2) : c1(c1), c2(c2), bfgs(n, c1, c2) {}
  Method& method() override { return bfgs; }

  py::array matrix() const {
    const std::size_t n = bfgs.H.n;
    py::array_t<double> made({py::ssize_t(n), py::ssize_t(n)});
    double* const at = made.mutable_data();
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j <= i; ++j) at[i * n + j] = at[j * n + i] = bfgs.H.get(i, j);
    return made;
  }
  void set_matrix(const py::array_t<double, py::array::c_style | py::array::forcecast>& H) {
    const std::size_t n = bfgs.H.n;
    if (H.ndim() != 2 || std::size_t(H.shape(0)) != n || std::size_t(H.shape(1)) != n)
      throw py::value_error("H must have shape (" + std::to_string(n) + ", " + std::to_string(n) + "); got " +
                            shape_text(H) + ".");
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j <= i; ++j) bfgs.H.set(i, j, H.data()[i * n + j]);
  }

  const double c1, c2;
  BFGS bfgs;
};

/// An optimizer that steps an array of its own, by the engine or by Python's `step`.
class PyMover : public Mover {
 public:
  PyMover(std::size_t n, py::array w, py::object step, py::object optimizer)
      : n_(n), w_(std::move(w)), step_(std::move(step)), optimizer_(std::move(optimizer)) {}
  void step(const Vector& g, const Vector& x) override {
    rate_ = optimizer_.attr("learning_rate").cast<double>();
    step_(single() ? copied(g, n_, true) : copied(g, n_));
    read(x);
  }
  void place(const Vector& x) override {
    if (single())
      std::copy_n(x.data(), n_, reinterpret_cast<float*>(bytes(w_)));
    else
      std::copy_n(x.data(), n_, reinterpret_cast<double*>(bytes(w_)));
  }
  double rate() override { return rate_; }

 protected:
  bool single() const { return is_single_; }
  void read(const Vector& x) const {
    if (single())
      std::copy_n(reinterpret_cast<const float*>(bytes(w_)), n_, x.data());
    else
      std::copy_n(reinterpret_cast<const double*>(bytes(w_)), n_, x.data());
  }
  const std::size_t n_;
  const py::array w_;
  const bool is_single_ = !has_dtype<double>(w_);

 private:
  const py::object step_, optimizer_;  // Python's
  double rate_ = nan;
};

class EngineMover : public PyMover {
 public:
  EngineMover(std::size_t n, py::array w, const py::object& optimizer, std::size_t index)
      : PyMover(n, std::move(w), py::none(), py::none()),
        owner_(optimizer),
        core_(optimizer.cast<PyOptimizer&>()),
        parameter_(core_.parameters.at(index)),
        single_(single() ? n : 0) {
    grads_.push_back({&parameter_, nullptr, &contiguous_, parameter_.dtype});
  }

  void step(const Vector& g, const Vector& x) override {
    if (--ready_ < 0) prepare();
    grads_[0].gradient = reinterpret_cast<const std::byte*>(g.data());
    if (single()) {
      std::copy_n(g.data(), n_, single_.data());
      grads_[0].gradient = reinterpret_cast<const std::byte*>(single_.data());
    }
    Optimizer& engine = core_.engine;
    if (engine.step(grads_) == Optimizer::Outcome::nonfinite && engine.options.nonfinite == Options::Nonfinite::raise) {
      const py::gil_scoped_acquire held;
      throw_nonfinite("the gradient", engine);
    }
    read(x);
  }
  double rate() override { return core_.engine.learning_rate(parameter_); }

 private:
  // Values of schedules for the steps to come, which Python makes.
  void prepare() {
    constexpr std::int64_t ahead = 256;
    const py::gil_scoped_acquire held;
    const PyOptimizer::Busy busy(core_);
    core_.prepare(ahead);
    ready_ = core_.engine.hyperparameter_tables.empty() ? INT64_MAX : ahead - 1;
  }

  const py::object owner_;
  PyOptimizer& core_;
  const Parameter& parameter_;
  const Layout contiguous_{};
  std::vector<ParamGrad> grads_;
  std::vector<float> single_;
  std::int64_t ready_ = 0;
};

class PyDescent : public PyMethod {
 public:
  /// optimizer: the core's, and which of its arrays w is; None if it is Python's, `own`, with the step of what is
  /// bound.
  PyDescent(const py::array& w, const py::object& optimizer, std::size_t index, const py::object& step,
            const py::object& own, double first) {
    const auto n = std::size_t(w.size());
    needs_python = optimizer.is_none();
    if (needs_python)
      mover_ = std::make_unique<PyMover>(n, w, step, own);
    else
      mover_ = std::make_unique<EngineMover>(n, w, optimizer, index);
    method_ = std::make_unique<Descent>(*mover_, first);
  }
  Method& method() override { return *method_; }

 private:
  std::unique_ptr<Mover> mover_;
  std::unique_ptr<Descent> method_;
};

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
  std::unique_ptr<Function> function;
  Counted* counted = nullptr;
  const bool is_free = own && code && !own->needs_python;
  if (!own || !(direct || code)) {
    function = std::make_unique<Asked>(objective, n, is_single);
    if (!own) external.emplace(method, start);
  } else {
    if (code)
      counted = new Compiled(n, *code, &drop_reference);
    else
      counted = new Called(objective, n, is_single);
    function.reset(counted);
    counted->is_single = is_single;
    if (code) begin_counting(*counted, objective, false);
  }
  Point point = point_of(*function, start, !is_free);
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
    const auto go = [&] { stop.emplace(run(*function, chosen, point, limits, record, called)); };
    if (is_free)
      released(go);
    else
      go();
  } catch (py::error_already_set& error) {
    known();
    if (error.matches(StopClass)) {
      const py::object raised = error.value();
      stop.emplace(raised.attr("reason").cast<std::string>().c_str(), raised.attr("detail").cast<std::string>());
      if (!raised.attr("decrease").is_none()) stop->decrease = raised.attr("decrease").cast<double>();
    } else if (error.matches(PyExc_KeyboardInterrupt)) {
      stop.emplace("interrupted");
    } else {
      throw;
    }
  } catch (...) {
    known();
    throw;
  }
  known();
  if (stop->decrease == stop->decrease) decrease = py::float_(stop->decrease);
  py::object points = py::none();
  if (keeps_points) {
    points = py::list();
    for (const Vector& one : record.points) points.cast<py::list>().append(array_of(one, n, is_single));
  }
  py::dict history;
  history["fun"] = numbers(record.fun);
  history["gnorm"] = numbers(record.gnorm);
  history["step"] = numbers(record.step);
  history["alpha"] = numbers(record.alpha);
  history["time"] = numbers(record.time);
  return py::make_tuple(stop->reason, stop->detail, decrease,
                        external ? external->point : python_point(cls, *function, point), history, record.turns,
                        points);
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

}  // namespace
}  // namespace gs::minimize

namespace gs {

void bind_minimize(py::module_& m) {
  using namespace minimize;
  py::class_<PyMemory, std::shared_ptr<PyMemory>>(m, "Memory")
      .def(py::init<std::size_t, std::size_t>(), py::arg("n"), py::arg("m"))
      .def("__len__", [](const PyMemory& memory) { return memory.memory.count(); })
      .def("clear", [](PyMemory& memory) { memory.memory.clear(); })
      .def("add", &PyMemory::add, py::arg("s"), py::arg("y"))
      .def("product", &PyMemory::product, py::arg("g"))
      .def_property_readonly("s", [](const PyMemory& memory) { return memory.arrays(&Memory::Pair::s); })
      .def_property_readonly("y", [](const PyMemory& memory) { return memory.arrays(&Memory::Pair::y); })
      .def(py::pickle(
          [](const PyMemory& self) {
            return py::make_tuple(self.n, self.most, self.arrays(&Memory::Pair::s), self.arrays(&Memory::Pair::y));
          },
          [](const py::tuple& state) {
            auto made = std::make_shared<PyMemory>(state[0].cast<std::size_t>(), state[1].cast<std::size_t>());
            const py::list s = state[2], y = state[3];
            for (std::size_t i = 0; i < s.size(); ++i) made->add(s[i], y[i]);
            return made;
          }))
      .def_property_readonly("gamma", [](const PyMemory& memory) { return memory.memory.gamma; });
  py::class_<PyMethod>(m, "DescentMethod").def("step", &PyMethod::step).def("left", &PyMethod::left);
  py::class_<PyLBFGS, PyMethod>(m, "LBFGS")
      .def(py::init<std::shared_ptr<PyMemory>, double, double>(), py::arg("memory"), py::arg("c1"), py::arg("c2"))
      .def("__reduce__", [](const PyLBFGS& self) {
        return py::make_tuple(py::type::of<PyLBFGS>(), py::make_tuple(self.memory, self.c1, self.c2));
      });
  py::class_<PyBFGS, PyMethod>(m, "BFGS")
      .def(py::init<std::size_t, double, double>(), py::arg("n"), py::arg("c1"), py::arg("c2"))
      .def(py::pickle(
          [](const PyBFGS& self) {
            return py::make_tuple(self.bfgs.H.n, self.c1, self.c2, self.matrix(), self.bfgs.is_fresh);
          },
          [](const py::tuple& state) {
            auto made = std::make_unique<PyBFGS>(state[0].cast<std::size_t>(), state[1].cast<double>(),
                                                 state[2].cast<double>());
            made->set_matrix(py::array(state[3]));
            made->bfgs.is_fresh = state[4].cast<bool>();
            return made;
          }))
      .def_property("H", &PyBFGS::matrix, &PyBFGS::set_matrix)
      .def_property(
          "is_fresh", [](const PyBFGS& self) { return self.bfgs.is_fresh; },
          [](PyBFGS& self, bool is_fresh) { self.bfgs.is_fresh = is_fresh; });
  py::class_<PyDescent, PyMethod>(m, "Descent")
      .def(py::init<const py::array&, const py::object&, std::size_t, const py::object&, const py::object&, double>());
  m.def("descend", &descend);
  m.def("line_search", &line_search);
}

}  // namespace gs
