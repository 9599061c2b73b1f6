// What linear models minimize over all rows, for gradstep.sklearn.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "bindings/linear/design.hpp"
#include "bindings/module.hpp"
#include "linear/objective.hpp"
#include "minimize/counted.hpp"
#include "minimize/lbfgs.hpp"
#include "minimize/loop.hpp"

namespace gs {
namespace {

using Numbers = py::array_t<double, py::array::c_style | py::array::forcecast>;

SumLoss parse_point_loss(const std::string& name) {
  static constexpr const char* names[] = {"log_loss", "squared_hinge", "squared_error", "squared_epsilon_insensitive",
                                          "huber",    "softmax"};
  for (int k = 0; k < 6; ++k)
    if (name == names[k]) return SumLoss(k);
  throw py::value_error("loss must be one of this build's; got " + name + ".");
}

ObjectiveSettings parse_objective(const py::dict& given) {
  ObjectiveSettings s;
  s.loss = parse_point_loss(given["loss"].cast<std::string>());
  s.at = given["loss_at"].cast<double>();
  s.scale = given["scale"].cast<double>();
  s.l2 = given["l2"].cast<double>();
  s.l2_intercept = given["l2_intercept"].cast<double>();
  s.fit_intercept = given["fit_intercept"].cast<bool>();
  s.outputs = given["outputs"].cast<std::size_t>();
  s.keeps_curvature = given["keeps_curvature"].cast<bool>();
  if (s.outputs < 1 || (s.outputs > 1 && s.loss != SumLoss::softmax))
    throw py::value_error("outputs must be 1, or the classes of softmax; got " + std::to_string(s.outputs) + ".");
  return s;
}

/// The objective as a function of w / units that methods of `minimize` go down.
template <class Real> class ObjectiveFunction : public minimize::Counted {
 public:
  ObjectiveFunction(LinearObjective<Real>& objective, const std::vector<double>& units)
      : Counted(objective.size), objective_(objective), units_(units), w_(objective.size) {
    is_pair = true;
    best.f = minimize::inf;
  }
  void value(minimize::Point& point) override {
    spend();
    point.g = vectors.make();
    for (std::size_t j = 0; j < n; ++j) w_[j] = units_[j] * point.x[j];
    point.f = objective_.value(w_.data(), point.g.data());
    for (std::size_t j = 0; j < n; ++j) point.g[j] *= units_[j];
    saw(point);
  }
  void gradient(minimize::Point& point) override { value(point); }
  /// A point whose value f and gradient g (in w) are known.
  void begin(minimize::Point& point, double f, const std::vector<double>& g) {
    point.g = vectors.make();
    for (std::size_t j = 0; j < n; ++j) point.g[j] = units_[j] * g[j];
    point.f = f;
    ++nfev;
    saw(point);
  }

 private:
  LinearObjective<Real>& objective_;
  const std::vector<double>& units_;
  std::vector<double> w_;
};

/// L-BFGS in those units, which ends by the gradient in w: no component is larger than gtol; and four times what
/// Newton's step would gain if the Hessian were its diagonal is not larger either, or coefficients of features that are
/// rarely there, whose components are small from the start, would stay where they are.
class InUnits : public minimize::LBFGS {
 public:
  InUnits(minimize::Memory& memory, const std::vector<double>& units) : LBFGS(memory, 1e-4, 0.9), units_(units) {}
  double optimality(minimize::Function& function, const minimize::Point& point) override {
    double most = 0, squares = 0;
    for (std::size_t j = 0; j < function.n; ++j) {
      const double size = std::fabs(point.g[j] / units_[j]);
      if (!(size <= most)) most = size;  // NaN, too
      squares += point.g[j] * point.g[j];
    }
    return 2 * squares > most ? 2 * squares : most;
  }

 private:
  const std::vector<double>& units_;
};

/// The units of w in which the diagonal of the Hessian is 1: there features of different sizes cost no iterations.
std::vector<double> units_of(std::vector<double> diagonal) {
  for (double& one : diagonal) one = one > 0 && std::isfinite(one) ? 1 / std::sqrt(one) : 1;
  return diagonal;
}

// The objective for either dtype, as Python sees it.
class Objective {
 public:
  virtual ~Objective() = default;
  virtual py::tuple value(const Numbers& w) = 0;
  virtual Numbers hessian_product(const Numbers& v) = 0;
  virtual Numbers margins(const Numbers& w) = 0;
  virtual Numbers transposed(const Numbers& r) = 0;
  virtual Numbers gram(const py::object& d, const py::object& extra, std::int64_t extras, const Numbers& centre) = 0;
  virtual py::tuple lbfgs(const Numbers& w, double gtol, double ftol, double maxiter, std::size_t memory) = 0;
};

template <class Real> class ObjectiveOf : public Objective {
 public:
  ObjectiveOf(const py::object& x, std::int64_t columns, const py::object& y, const py::object& s,
              const ObjectiveSettings& settings) {
    const std::int64_t rows = py::len(y);
    const double* const targets = kept_.vector<double>(y, "y", rows);
    const double* const counts = kept_.vector_or_null<double>(s, "sample_weight", rows);
    if (settings.loss == SumLoss::softmax && !std::all_of(targets, targets + rows, [&](double class_number) {
          return class_number >= 0 && class_number < double(settings.outputs);
        }))
      throw py::value_error("y must be numbers of classes below " + std::to_string(settings.outputs) + ".");
    objective_ =
        std::make_unique<LinearObjective<Real>>(kept_.design<Real>(x, rows, columns), targets, counts, settings);
    s_ = counts;
  }

  py::tuple value(const Numbers& w) override {
    check(w, objective_->size, "w");
    Numbers g{py::ssize_t(objective_->size)};
    double* const to = g.mutable_data();
    const double f = over_design([&] { return objective_->value(w.data(), to); });
    return py::make_tuple(f, g);
  }
  Numbers hessian_product(const Numbers& v) override {
    check(v, objective_->size, "v");
    if (!objective_->curvature()) throw py::value_error("hessian_product needs keeps_curvature.");
    return made(objective_->size, [&](double* to) { objective_->hessian_product(v.data(), to); });
  }
  Numbers margins(const Numbers& w) override {
    check(w, objective_->size, "w");
    const std::size_t outputs = objective_->settings.outputs, rows = std::size_t(objective_->design.rows);
    return made(outputs * rows, [&](double* to) { objective_->margins(w.data(), to); });
  }
  Numbers transposed(const Numbers& r) override {
    check(r, std::size_t(objective_->design.rows), "r");
    return made(std::size_t(objective_->design.columns), [&](double* to) { objective_->transposed(r.data(), to); });
  }

  Numbers gram(const py::object& d, const py::object& extra, std::int64_t extras, const Numbers& centre) override {
    KeptArrays kept;
    const auto rows = objective_->design.rows;
    const auto m = std::size_t(objective_->design.columns + extras);
    check(centre, m, "centre");
    const double* weights = s_;
    if (py::isinstance<py::bool_>(d)) {  // True: the curvature
      weights = objective_->curvature();
      if (!weights || objective_->settings.outputs > 1)
        throw py::value_error("the curvature of one output is needed, with keeps_curvature.");
    } else if (!d.is_none()) {
      weights = kept.vector<double>(d, "d", rows);
    }
    const double* more = nullptr;
    if (!extra.is_none())
      more = reinterpret_cast<const double*>(bytes(kept.keep<double>(extra, "extra", extras, rows)));
    Numbers out({py::ssize_t(m), py::ssize_t(m)});
    double* const to = out.mutable_data();
    over_design([&] { gs::gram(objective_->design, weights, more, std::size_t(extras), centre.data(), to); });
    return out;
  }

  py::tuple lbfgs(const Numbers& w, double gtol, double ftol, double maxiter, std::size_t memory) override {
    check(w, objective_->size, "w");
    const double* const start = w.data();
    std::vector<double> g(objective_->size), diagonal(objective_->size);
    const double f = over_design([&] { return objective_->value(start, g.data(), diagonal.data()); });
    const std::vector<double> units = units_of(std::move(diagonal));
    ObjectiveFunction<Real> function(*objective_, units);
    minimize::Memory pairs(function.n, memory);
    InUnits method(pairs, units);
    minimize::Record record;
    minimize::Point point;
    point.x = function.vectors.make();
    for (std::size_t j = 0; j < function.n; ++j) point.x[j] = start[j] / units[j];
    const minimize::Rules rules{gtol, ftol, 0, maxiter, minimize::inf};
    const minimize::Stop stop = over_design([&] {
      function.begin(point, f, g);
      return minimize::run(function, method, point, rules, record, {});
    });
    const minimize::Point& best = function.best.x && function.best.f < point.f ? function.best : point;
    Numbers found{py::ssize_t(function.n)};
    double* const to = found.mutable_data();
    for (std::size_t j = 0; j < function.n; ++j) to[j] = units[j] * best.x[j];
    return py::make_tuple(found, best.f, record.iterations.size() - 1, function.nfev, stop.reason);
  }

 private:
  static void check(const Numbers& given, std::size_t n, const char* name) {
    if (std::size_t(given.size()) != n)
      throw py::value_error(std::string(name) + " must have " + std::to_string(n) + " numbers; its shape is " +
                            shape_text(given) + ".");
  }
  template <class Work> static Numbers made(std::size_t n, const Work& work) {
    Numbers out{py::ssize_t(n)};
    double* const to = out.mutable_data();
    over_design([&] { work(to); });
    return out;
  }

  KeptArrays kept_;
  const double* s_ = nullptr;
  std::unique_ptr<LinearObjective<Real>> objective_;
};

std::unique_ptr<Objective> make_objective(const py::object& x, std::int64_t columns, const py::object& y,
                                          const py::object& s, const py::dict& given) {
  const ObjectiveSettings settings = parse_objective(given);
  if (is_single(x)) return std::make_unique<ObjectiveOf<float>>(x, columns, y, s, settings);
  return std::make_unique<ObjectiveOf<double>>(x, columns, y, s, settings);
}

}  // namespace

void bind_linear_objective(py::module_& m) {
  py::class_<Objective>(m, "LinearObjective")
      .def(py::init(&make_objective), py::arg("x"), py::arg("columns"), py::arg("y"), py::arg("sample_weight"),
           py::arg("settings"))
      .def("value", &Objective::value, py::arg("w"))
      .def("hessian_product", &Objective::hessian_product, py::arg("v"))
      .def("margins", &Objective::margins, py::arg("w"))
      .def("transposed", &Objective::transposed, py::arg("r"))
      .def("gram", &Objective::gram, py::arg("d"), py::arg("extra"), py::arg("extras"), py::arg("centre"))
      .def("lbfgs", &Objective::lbfgs, py::arg("w"), py::arg("gtol"), py::arg("ftol"), py::arg("maxiter"),
           py::arg("memory"));
}

}  // namespace gs
