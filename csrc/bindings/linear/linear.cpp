// Stochastic descent of linear models, for gradstep.sklearn.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bindings/linear/design.hpp"
#include "bindings/module.hpp"
#include "linear/descent.hpp"

namespace gs {
namespace {

// Between two looks for signals.
constexpr std::int64_t rows_of_slice = 4096;

/// run(first, count) for all rows, and looks for signals.
template <class Run> void in_slices(std::int64_t rows, const Run& run) {
  for (std::int64_t first = 0; first < rows; first += rows_of_slice) {
    run(first, std::min(rows_of_slice, rows - first));
    if (CancelPoll* const poll = CancelPoll::current(); poll && (*poll)()) throw Cancelled();
  }
}

StepLength parse_length(const std::string& name) {
  const auto found = std::find(std::begin(step_lengths), std::end(step_lengths), name);
  if (found == std::end(step_lengths))
    throw py::value_error("learning_rate must be one of linear_step_lengths; got " + name + ".");
  return StepLength(found - std::begin(step_lengths));
}

const PointLoss& parse_loss(const std::string& name) {
  const PointLoss* const loss = point_loss(name);
  if (!loss) throw py::value_error("loss must be one of this build's; got " + name + ".");
  return *loss;
}

using Numbers = py::array_t<double, py::array::c_style | py::array::forcecast>;
Numbers losses(const std::string& name, double setting, const Numbers& y, const Numbers& p) {
  const PointLoss& loss = parse_loss(name);
  if (y.ndim() != 1 || p.ndim() != 1 || y.shape(0) != p.shape(0))
    throw py::value_error("y and p must be (rows,); their shapes are " + shape_text(y) + " and " + shape_text(p) + ".");
  Numbers found(y.shape(0));
  for (py::ssize_t i = 0; i < y.shape(0); ++i) {
    double factor = 1;
    const LossAtPoint at = loss.at(y.data()[i], p.data()[i], setting, factor);
    found.mutable_data()[i] = at.value + std::log(factor);
  }
  return found;
}

DescentSettings parse_settings(const py::dict& given) {
  const auto number = [&](const char* key) { return given[key].cast<double>(); };
  const auto flag = [&](const char* key) { return given[key].cast<bool>(); };
  DescentSettings s;
  s.loss = &parse_loss(given["loss"].cast<std::string>());
  s.loss_setting = number("loss_setting");
  s.penalized = flag("penalized");
  s.alpha = number("alpha");
  s.l1_ratio = number("l1_ratio");
  s.length = parse_length(given["learning_rate"].cast<std::string>());
  s.eta0 = number("eta0");
  s.power_t = number("power_t");
  s.fit_intercept = flag("fit_intercept");
  s.one_class = flag("one_class");
  s.intercept_share = number("intercept_share");
  s.positive_weight = number("positive_weight");
  s.negative_weight = number("negative_weight");
  s.average_from = number("average_from");
  s.sums_objective = flag("sums_objective");
  return s;
}

// The descent for either dtype, as Python sees it.
class Descent {
 public:
  virtual ~Descent() = default;
  virtual void epoch(std::optional<std::uint32_t> seed) = 0;
  virtual void epoch_of_batches(std::optional<std::uint32_t> seed, std::int64_t batch, const py::object& outside) = 0;
  virtual void settle() = 0;
  double intercept = 0, average_intercept = 0, t = 1, eta = 0, loss = 0, objective = 0;
};

template <class Real> class DescentOf : public Descent {
 public:
  DescentOf(const py::object& x, const py::object& y, const py::object& sample_weight, const py::object& left_out,
            const py::object& w, const py::object& average, const DescentSettings& settings)
      : settings_(settings) {
    const py::array weights = arrays_.keep<Real>(w, "coef", -1), targets = arrays_.keep<Real>(y, "y", -1);
    check_writable(weights, "coef");
    const std::int64_t rows = targets.shape(0), columns = weights.shape(0);
    rows_.y = reinterpret_cast<const Real*>(bytes(targets));
    rows_.sample_weight = arrays_.vector<Real>(sample_weight, "sample_weight", rows);
    rows_.left_out = reinterpret_cast<const std::uint8_t*>(arrays_.vector_or_null<bool>(left_out, "left_out", rows));
    static_cast<Design<Real>&>(rows_) = arrays_.design<Real>(x, rows, columns);
    Real* mean = nullptr;
    if (!average.is_none()) {
      const py::array array = arrays_.keep<Real>(average, "average_coef", -1, columns);
      check_writable(array, "average_coef");
      mean = reinterpret_cast<Real*>(bytes(array));
    }
    descent_.emplace(rows_, settings_, reinterpret_cast<Real*>(bytes(weights)), mean);
    eta = descent_->eta;
  }

  void epoch(std::optional<std::uint32_t> seed) override {
    epoch_of(seed, [&](LinearDescent<Real>& d) {
      in_slices(rows_.rows, [&](std::int64_t first, std::int64_t count) { d.run(first, count); });
    });
  }

  /// An epoch of each, side by side, with a shuffle by its seed.
  static void epochs(const std::vector<DescentOf*>& all, const std::vector<std::optional<std::uint32_t>>& seeds) {
    std::vector<LinearDescent<Real>*> descents;
    std::int64_t rows = 0;
    for (DescentOf* const one : all) {
      one->give();
      descents.push_back(&*one->descent_);
      rows = std::max(rows, one->rows_.rows);
    }
    over_design([&] {
      for (std::size_t k = 0; k < descents.size(); ++k) {
        descents[k]->begin();
        if (seeds[k]) descents[k]->shuffle(*seeds[k]);
      }
      in_slices(rows, [&](std::int64_t first, std::int64_t count) {
        LinearDescent<Real>::run_side_by_side(descents, first, count);
      });
    });
    for (DescentOf* const one : all) one->take();
  }

  void epoch_of_batches(std::optional<std::uint32_t> seed, std::int64_t batch, const py::object& outside) override {
    if (batch < 1) throw py::value_error("batch must be 1 or more; got " + std::to_string(batch) + ".");
    if (outside.is_none()) return epoch_of(seed, [&](LinearDescent<Real>& d) { d.run_batches(batch, nullptr); });
    const auto parts = outside.cast<py::tuple>();
    if (parts.size() != 4)
      throw py::value_error("outside must be the gradient, the intercept and its gradient in arrays, and a function.");
    const auto written = [&](int k, const char* name, std::int64_t size) {
      const py::array array = check_rows<Real>(parts[std::size_t(k)], name, -1);
      if (array.shape(0) != size) throw py::value_error(std::string(name) + " has another size.");
      check_writable(array, name);
      return std::make_pair(reinterpret_cast<Real*>(bytes(array)), pinned(array));
    };
    const auto gradient = written(0, "gradient", rows_.columns), at = written(1, "intercept", 1),
               slope = written(2, "intercept_gradient", 1);
    const py::object step = parts[3];
    const OutsideStep<Real> with{gradient.first, at.first, slope.first, [&step] {
                                   const py::gil_scoped_acquire held;
                                   step();
                                 }};
    *at.first = Real(intercept);
    epoch_of(seed, [&](LinearDescent<Real>& d) { d.run_batches(batch, &with); });
  }

  void settle() override { descent_->settle(); }

 private:
  // One epoch without the interpreter's lock; the numbers that Python sees before and after it.
  template <class Run> void epoch_of(std::optional<std::uint32_t> seed, Run run) {
    LinearDescent<Real>& d = *descent_;
    give();
    over_design([&] {
      d.begin();
      if (seed) d.shuffle(*seed);
      run(d);
    });
    take();
  }
  void give() {
    LinearDescent<Real>& d = *descent_;
    d.intercept = intercept;
    d.average_intercept = average_intercept;
    d.t = t;
    d.eta = eta;
  }
  void take() {
    const LinearDescent<Real>& d = *descent_;
    intercept = d.intercept;
    average_intercept = d.average_intercept;
    t = d.t;
    loss = d.loss();
    objective = d.objective();
  }

  const DescentSettings settings_;
  LinearRows<Real> rows_{};
  KeptArrays arrays_;
  std::optional<LinearDescent<Real>> descent_;
};

std::unique_ptr<Descent> make_descent(const py::object& x, const py::object& y, const py::object& sample_weight,
                                      const py::object& left_out, const py::object& coef,
                                      const py::object& average_coef, const py::dict& given) {
  const DescentSettings settings = parse_settings(given);
  if (float_dtype(as_array(coef, "coef"), "coef") == Dtype::f32)
    return std::make_unique<DescentOf<float>>(x, y, sample_weight, left_out, coef, average_coef, settings);
  return std::make_unique<DescentOf<double>>(x, y, sample_weight, left_out, coef, average_coef, settings);
}

using Seeds = std::vector<std::optional<std::uint32_t>>;
template <class Real> void epochs_of(const std::vector<Descent*>& all, const Seeds& seeds) {
  std::vector<DescentOf<Real>*> found;
  Seeds own;
  for (std::size_t k = 0; k < all.size(); ++k)
    if (auto* const one = dynamic_cast<DescentOf<Real>*>(all[k])) {
      found.push_back(one);
      own.push_back(seeds[k]);
    }
  if (!found.empty()) DescentOf<Real>::epochs(found, own);
}

void epochs(const std::vector<Descent*>& all, const Seeds& seeds) {
  if (all.size() != seeds.size())
    throw py::value_error("there must be a seed, or None, for each descent; there are " + std::to_string(seeds.size()) +
                          " for " + std::to_string(all.size()) + ".");
  for (std::size_t k = 0; k < all.size(); ++k)
    if (!all[k] || std::count(all.begin(), all.end(), all[k]) > 1)
      throw py::value_error("the descents must be different ones.");
  epochs_of<float>(all, seeds);
  epochs_of<double>(all, seeds);
}

}  // namespace

void bind_linear(py::module_& m) {
  m.attr("linear_step_lengths") =
      py::tuple(py::cast(std::vector<std::string>(std::begin(step_lengths), std::end(step_lengths))));
  m.def("linear_losses", &losses, py::arg("loss"), py::arg("setting"), py::arg("y"), py::arg("p"));
  py::class_<Descent>(m, "LinearDescent")
      .def(py::init(&make_descent), py::arg("x"), py::arg("y"), py::arg("sample_weight"), py::arg("left_out"),
           py::arg("coef"), py::arg("average_coef"), py::arg("settings"))
      .def("epoch", &Descent::epoch, py::arg("seed"))
      .def("epoch_of_batches", &Descent::epoch_of_batches, py::arg("seed"), py::arg("batch"), py::arg("outside"))
      .def("settle", &Descent::settle)
      .def_readwrite("intercept", &Descent::intercept)
      .def_readwrite("average_intercept", &Descent::average_intercept)
      .def_readwrite("t", &Descent::t)
      .def_readwrite("eta", &Descent::eta)
      .def_readonly("loss", &Descent::loss)
      .def_readonly("objective", &Descent::objective);
  m.def("linear_epochs", &epochs, py::arg("descents"), py::arg("seeds"));
}

}  // namespace gs
