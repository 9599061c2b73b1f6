#include "bindings/minimize/minimize.hpp"

#include <pybind11/stl.h>

#include <memory>
#include <optional>

#include "bindings/module.hpp"
#include "bindings/optimizers/optimizers.hpp"
#include "minimize/bfgs.hpp"
#include "minimize/descent.hpp"
#include "minimize/lbfgs.hpp"
#include "update/repeated_steps.hpp"

namespace gs::minimize {
namespace {

/// The pairs of L-BFGS, in a pool of their own.
struct PyMemory {
  PyMemory(std::size_t n, std::size_t m) : n(n), most(m), function(n), memory(n, m) {}

  bool add(const py::handle& s, const py::handle& y) {
    const Vector from = vector_of(function, s, false), to = vector_of(function, y, false);
    const Vector zero = function.vectors.make();
    std::fill_n(zero.data(), function.vectors.size(), 0.0);
    const Vector step = function.vectors.make(), turn = function.vectors.make();
    return memory.add(step, turn, change(from, zero, to, zero, step, turn, function.vectors.size()));
  }
  py::array product(const py::handle& g) {
    const Vector from = vector_of(function, g, false), d = function.vectors.make();
    memory.direction(from, d);
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

class PyLBFGS : public PyMethod {
 public:
  PyLBFGS(std::shared_ptr<PyMemory> memory, double c1, double c2, int trials)
      : memory(std::move(memory)), c1(c1), c2(c2), trials(trials), method_(this->memory->memory, c1, c2, trials) {}
  Method& method() override { return method_; }

  const std::shared_ptr<PyMemory> memory;
  const double c1, c2;
  const int trials;

 private:
  LBFGS method_;
};

class PyBFGS : public PyMethod {
 public:
  PyBFGS(std::size_t n, double c1, double c2) : c1(c1), c2(c2), bfgs(n, c1, c2) {}
  Method& method() override { return bfgs; }

  py::array matrix() {
    const std::size_t n = bfgs.H.n;
    bfgs.H.settle();
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
    bfgs.H.set_identity();
    bfgs.forget_direction();
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j <= i; ++j) bfgs.H.set(i, j, H.data()[i * n + j]);
  }

  /// The gradient and the direction that an update has given with it, (2, n); or (0, n).
  py::array direction() const {
    const bool is_known = bool(bfgs.direction());
    py::array_t<double> made({py::ssize_t(is_known ? 2 : 0), py::ssize_t(bfgs.H.n)});
    if (is_known) {
      std::copy_n(bfgs.gradient().data(), bfgs.H.n, made.mutable_data());
      std::copy_n(bfgs.direction().data(), bfgs.H.n, made.mutable_data() + bfgs.H.n);
    }
    return made;
  }
  void set_direction(const py::array_t<double, py::array::c_style | py::array::forcecast>& rows) {
    const std::size_t n = bfgs.H.n;
    if (rows.ndim() != 2 || (rows.shape(0) != 0 && rows.shape(0) != 2) || std::size_t(rows.shape(1)) != n)
      throw py::value_error("direction must have shape (2, " + std::to_string(n) + ") or (0, " + std::to_string(n) +
                            "); got " + shape_text(rows) + ".");
    bfgs.forget_direction();
    if (rows.shape(0) == 2) bfgs.set_direction(rows.data(), rows.data() + n);
  }

  const double c1, c2;
  BFGS bfgs;
};

/// An optimizer around its own array of weights, of `aligned_zeros`; the engine makes the step, or a function `step` in
/// Python.
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
        size_(single() ? align<float>(n) : align<double>(n)),
        single_(single() ? size_ : 0) {
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
    if (repeated_)
      repeated_->step(grads_[0].gradient);
    else if (engine.step(grads_) == Optimizer::Outcome::nonfinite &&
             engine.options.nonfinite == Options::Nonfinite::raise) {
      const py::gil_scoped_acquire held;
      throw_nonfinite("the gradient", engine);
    }
    if (single())
      read(x);
    else
      read_whole(x);
  }
  double rate() override { return repeated_ ? rate_ : core_.engine.learning_rate(parameter_); }

 private:
  // Values of schedules for the steps to come, which Python makes.
  void prepare() {
    constexpr std::int64_t ahead = 256;
    const py::gil_scoped_acquire held;
    const PyOptimizer::Busy busy(core_);
    core_.prepare(ahead);
    ready_ = core_.engine.hyperparameter_tables.empty() ? INT64_MAX : ahead - 1;
    if (RepeatedSteps::fit(core_.engine, parameter_)) {
      repeated_.emplace(core_.engine, parameter_, size_);
      rate_ = core_.engine.learning_rate(parameter_);
    }
  }

  // Whole vectors, as they have just been written. What a rule makes of zeros may be no number: x has zeros there.
  void read_whole(const Vector& x) const {
    const auto* const w = reinterpret_cast<const double*>(bytes(w_));
    std::copy_n(w, size_, x.data());
    if (size_ > n_ && !(w[n_] == 0)) std::fill_n(x.data() + n_, size_ - n_, 0.0);
  }

  const py::object owner_;
  PyOptimizer& core_;
  const Parameter& parameter_;
  const std::size_t size_;  // of arrays, with the room behind their numbers
  const Layout contiguous_{};
  std::vector<ParamGrad> grads_;
  std::vector<float> single_;
  std::optional<RepeatedSteps> repeated_;
  double rate_ = nan;  // of repeated steps
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
      .def(py::init<std::shared_ptr<PyMemory>, double, double, int>(), py::arg("memory"), py::arg("c1"), py::arg("c2"),
           py::arg("trials"))
      .def("__reduce__", [](const PyLBFGS& self) {
        return py::make_tuple(py::type::of<PyLBFGS>(), py::make_tuple(self.memory, self.c1, self.c2, self.trials));
      });
  py::class_<PyBFGS, PyMethod>(m, "BFGS")
      .def(py::init<std::size_t, double, double>(), py::arg("n"), py::arg("c1"), py::arg("c2"))
      .def(py::pickle(
          [](PyBFGS& self) {
            return py::make_tuple(self.bfgs.H.n, self.c1, self.c2, self.matrix(), self.bfgs.is_fresh, self.direction());
          },
          [](const py::tuple& state) {
            auto made = std::make_unique<PyBFGS>(state[0].cast<std::size_t>(), state[1].cast<double>(),
                                                 state[2].cast<double>());
            made->set_matrix(py::array(state[3]));
            made->bfgs.is_fresh = state[4].cast<bool>();
            made->set_direction(py::array(state[5]));
            return made;
          }))
      .def_property("H", &PyBFGS::matrix, &PyBFGS::set_matrix)
      .def_property("direction", &PyBFGS::direction, &PyBFGS::set_direction)
      .def_property(
          "is_fresh", [](const PyBFGS& self) { return self.bfgs.is_fresh; },
          [](PyBFGS& self, bool is_fresh) { self.bfgs.is_fresh = is_fresh; });
  py::class_<PyDescent, PyMethod>(m, "Descent")
      .def(py::init<const py::array&, const py::object&, std::size_t, const py::object&, const py::object&, double>());
}

}  // namespace gs
