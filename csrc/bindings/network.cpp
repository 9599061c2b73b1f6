// Networks and their runs: one Python class over the engine's templates for float and double.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "bindings/arrays.hpp"
#include "bindings/data.hpp"
#include "bindings/module.hpp"
#include "bindings/optimizers.hpp"
#include "bindings/treatment.hpp"
#include "engine/network.hpp"
#include "engine/run.hpp"

namespace gs {
namespace {

/// What a layer asks for by name.
class Settings {
 public:
  explicit Settings(const py::dict& spec) : spec_(spec) {}

  std::size_t whole(const char* name) const {
    const auto n = spec_[name].cast<std::int64_t>();
    if (n < 1) throw py::value_error(std::string(name) + " must be 1 or more; got " + std::to_string(n) + ".");
    return std::size_t(n);
  }
  bool flag(const char* name) const { return spec_[name].cast<bool>(); }
  ActivationUse activation(const char* name) const { return parse_activation(spec_[name]); }
  double real(const char* name, double low = -inf, double high = inf) const {
    const auto value = spec_[name].cast<double>();
    if (!std::isfinite(value) || value < low || value > high)
      throw py::value_error(std::string(name) + " must be a finite number in its range; got " +
                            std::string(py::str(spec_[name])) + ".");
    return value;
  }
  std::uint64_t key(const char* name) const { return spec_[name].cast<std::uint64_t>(); }

 private:
  const py::dict& spec_;
};

template <class... Any> AnyLayer parse_layer(const py::dict& spec, std::size_t inputs, TypeList<Any...>) {
  const auto kind = spec["kind"].cast<std::string>();
  std::optional<AnyLayer> layer;
  ((kind == Any::name ? void(layer.emplace(Any(inputs, Settings(spec)))) : void()), ...);
  if (layer) return *layer;
  std::string known;
  ((known += (known.empty() ? "" : ", ") + std::string(Any::name)), ...);
  throw py::value_error("kind must be one of " + known + "; got " + kind + ".");
}

std::vector<AnyLayer> parse_layers(std::int64_t inputs, const std::vector<py::dict>& specs) {
  if (inputs < 1) throw py::value_error("inputs must be 1 or more; got " + std::to_string(inputs) + ".");
  if (specs.empty()) throw py::value_error("a network must have a layer; got none.");
  std::vector<AnyLayer> layers;
  auto width = std::size_t(inputs);
  for (const py::dict& spec : specs) {
    layers.push_back(parse_layer(spec, width, Layers{}));
    width = std::visit([](const auto& layer) { return layer.outputs(); }, layers.back());
  }
  return layers;
}

Scoring parse_scoring(const std::string& loss, bool from_logits, const std::vector<std::string>& metrics) {
  Scoring scoring{&find_score(loss, true), from_logits, {}};
  for (const std::string& name : metrics) {
    scoring.metrics.push_back(&find_score(name, false));
    if (scoring.metrics.back()->labels != scoring.loss->labels)
      throw py::value_error("metric " + name + " and loss " + loss +
                            " must take the same targets; one takes class labels, the other rows of numbers.");
  }
  return scoring;
}

/// Of the weights of each layer; the first ones, where a layer says it of no more.
std::vector<std::vector<Treatment>> parse_treatments(const std::vector<py::dict>& specs) {
  std::vector<std::vector<Treatment>> all(specs.size());
  for (std::size_t k = 0; k < specs.size(); ++k)
    if (specs[k].contains("weights"))
      for (const py::handle& weight : specs[k]["weights"]) all[k].push_back(parse_treatment(weight));
  return all;
}

std::size_t parse_batch_size(std::int64_t batch_size) {
  if (batch_size < 1) throw py::value_error("batch_size must be 1 or more; got " + std::to_string(batch_size) + ".");
  return std::size_t(batch_size);
}

template <class Real> Real* data(const py::array& array) { return reinterpret_cast<Real*>(bytes(array)); }

/// Shapes of layers' weights, by layer.
std::vector<std::vector<std::vector<py::ssize_t>>> shapes(const std::vector<AnyLayer>& layers) {
  std::vector<std::vector<std::vector<py::ssize_t>>> all;
  for (const AnyLayer& any : layers) {
    all.emplace_back();
    std::visit(
        [&](const auto& layer) {
          for (std::size_t i = 0; i < layer.n_weights(); ++i) {
            const auto [rows, columns] = layer.weights()[i];
            all.back().emplace_back();
            if (rows) all.back().back().push_back(py::ssize_t(rows));
            all.back().back().push_back(py::ssize_t(columns));
          }
        },
        any);
  }
  return all;
}

// -- what Python sees, for either type -----------------------------------------------------------------------------

class PyRun {
 public:
  virtual ~PyRun() = default;
  virtual void start(std::optional<py::array> order, std::uint32_t number) = 0;
  virtual bool advance(double seconds) = 0;
  virtual std::vector<std::pair<std::string, double>> profile(double seconds) = 0;
  virtual py::tuple progress() const = 0;
  virtual py::list gradients() const = 0;
  virtual void again() = 0;
};

class PyNetwork {
 public:
  virtual ~PyNetwork() = default;
  virtual std::size_t inputs() const = 0;
  virtual std::size_t outputs() const = 0;
  virtual py::list parameters(py::handle self) const = 0;
  virtual std::size_t predict(py::handle x, py::handle out, std::int64_t batch_size, std::int64_t begin,
                              double seconds) const = 0;
  virtual double penalty() const = 0;
  virtual std::vector<std::vector<bool>> trained() const = 0;
  virtual void treat(const std::vector<std::vector<py::object>>& weights) = 0;
  virtual void constrain(double rate) = 0;
  virtual py::tuple value_and_grad(const std::string& loss, bool from_logits, py::handle x, py::handle y,
                                   std::uint32_t number) const = 0;
  virtual std::unique_ptr<PyRun> run(py::object self, const Scoring& scoring, py::handle x, py::handle y,
                                     std::size_t batch_size, py::object optimizer,
                                     const std::vector<std::size_t>& indices, bool gradients) const = 0;
};

template <class Real> class TypedRun : public PyRun {
 public:
  TypedRun(py::object owner, const Network<Real>& network, const Scoring& scoring, Inputs x, Targets y,
           std::size_t batch_size, py::object optimizer, const std::vector<std::size_t>& indices,
           std::vector<py::array> gradients)
      : owner_(std::move(owner)),
        x_(std::move(x)),
        y_(std::move(y)),
        optimizer_(std::move(optimizer)),
        moved_(optimizer_.is_none() ? nullptr : &optimizer_.cast<PyOptimizer&>()),
        gradients_(std::move(gradients)),
        run_(network, scoring, {x_.data(), x_.source, y_.data, y_.row_size, y_.rows}, batch_size,
             moved_ ? &moved_->engine : nullptr, check_parameters(network, indices), places(gradients_)) {}

  void start(std::optional<py::array> given, std::uint32_t number) override {
    check_idle();
    std::vector<std::int64_t> order(y_.rows);
    if (given) {
      const py::array rows = check_rows<std::int64_t>(*given, "order", -1);
      order.assign(data<std::int64_t>(rows), data<std::int64_t>(rows) + rows.size());
      for (const std::int64_t row : order)
        if (row < 0 || row >= std::int64_t(y_.rows))
          throw py::value_error("order must hold rows in [0, " + std::to_string(y_.rows) + "); got " +
                                std::to_string(row) + ".");
    } else {
      std::iota(order.begin(), order.end(), 0);
    }
    run_.start(std::move(order), number);
  }

  bool advance(double seconds) override {
    const bool over = alone([&] { return run_.advance(seconds); });
    if (run_.refused()) throw_nonfinite(noun("gradient", "[" + std::to_string(moved_->engine.culprit) + "]"));
    return over;
  }

  std::vector<std::pair<std::string, double>> profile(double seconds) override {
    return alone([&] { return run_.profile(seconds); });
  }

  py::tuple progress() const override {
    py::list metrics;
    for (std::size_t s = 1; s < run_.totals.size(); ++s) metrics.append(mean(s));
    return py::make_tuple(run_.batches, run_.rows, mean(0), metrics);
  }

  void again() override {
    alone([&] {
      run_.again();
      return true;
    });
  }

  py::list gradients() const override {
    py::list all;
    for (const py::array& gradient : gradients_) all.append(gradient);
    return all;
  }

 private:
  double mean(std::size_t score) const { return run_.rows ? run_.totals[score] / double(run_.rows) : 0; }

  // Without the interpreter's lock, which is safe: x, y, network and optimizer are held, and marked as in use.
  template <class Work> auto alone(Work work) {
    check_idle();
    std::optional<PyOptimizer::Busy> busy;
    if (moved_) moved_->flush();  // what row-sparse steps left to do
    if (moved_) busy.emplace(*moved_);
    busy_ = true;
    const struct Idle {
      bool& busy;
      ~Idle() { busy = false; }
    } idle{busy_};
    if (moved_) moved_->prepare(run_.steps_left());
    py::gil_scoped_release release;
    return work();
  }

  static std::vector<Real*> places(const std::vector<py::array>& arrays) {
    std::vector<Real*> all;
    for (const py::array& array : arrays) all.push_back(data<Real>(array));
    return all;
  }

  void check_idle() const {
    if (busy_) throw std::runtime_error("this run is in the middle of a step on another thread.");
    if (moved_) moved_->check_idle();
  }

  std::vector<const Parameter*> check_parameters(const Network<Real>& network,
                                                 const std::vector<std::size_t>& indices) const {
    std::vector<const Parameter*> parameters;
    if (!moved_) return parameters;
    std::size_t next = 0;
    for (const auto& layer : plain_weights(network))
      for (const Weight<Real>& weight : layer) {
        if (!weight.trainable()) continue;
        const Parameter* p = next < indices.size() ? &moved_->parameters.at(indices[next]) : nullptr;
        if (!p || p->data != reinterpret_cast<std::byte*>(weight.w))
          throw py::value_error("indices must name the network's trainable weights, in order.");
        parameters.push_back(p);
        ++next;
      }
    return parameters;
  }

  const py::object owner_;  // the network
  const Inputs x_;
  const Targets y_;
  const py::object optimizer_;
  PyOptimizer* const moved_;
  const std::vector<py::array> gradients_;
  Run<Real> run_;
  bool busy_ = false;
};

template <class Real> class TypedNetwork : public PyNetwork {
 public:
  explicit TypedNetwork(std::int64_t inputs, const std::vector<py::dict>& specs)
      : network_(std::size_t(inputs), parse_layers(inputs, specs), parse_treatments(specs)) {}

  std::size_t inputs() const override { return network_.inputs; }
  std::size_t outputs() const override { return network_.outputs; }

  py::list parameters(py::handle self) const override {
    py::list all;
    const auto shape = shapes(network_.layers);
    for (std::size_t k = 0; k < shape.size(); ++k) {
      py::list own;
      for (std::size_t i = 0; i < shape[k].size(); ++i)
        own.append(py::array_t<Real>(shape[k][i], network_.weights[k][i], self));
      all.append(own);
    }
    return all;
  }

  std::size_t predict(py::handle x, py::handle out, std::int64_t batch_size, std::int64_t begin,
                      double seconds) const override {
    const Inputs from = check_inputs(x, "x", network_.inputs);
    const py::array to = check_rows<Real>(out, "out", std::int64_t(network_.outputs));
    check_writable(to, "out");
    if (std::size_t(to.shape(0)) != from.rows) throw py::value_error("x and out must have as many rows.");
    if (begin < 0 || std::size_t(begin) > from.rows) throw py::value_error("begin must be a row of x.");
    Predictor<Real> predictor(network_, parse_batch_size(batch_size));
    py::gil_scoped_release release;
    return predictor.advance({from.data(), from.source, nullptr, 0, from.rows}, data<Real>(to), std::size_t(begin),
                             seconds);
  }

  double penalty() const override { return network_.penalty(); }

  std::vector<std::vector<bool>> trained() const override {
    std::vector<std::vector<bool>> all;
    for (const auto& layer : network_.treatments) {
      all.emplace_back();
      for (const Treatment& treatment : layer) all.back().push_back(treatment.trainable);
    }
    return all;
  }

  void treat(const std::vector<std::vector<py::object>>& weights) override {
    if (weights.size() != network_.layers.size())
      throw py::value_error("weights must have a list for each of " + std::to_string(network_.layers.size()) +
                            " layers; got " + std::to_string(weights.size()) + ".");
    std::vector<std::vector<Treatment>> treatments(weights.size());
    for (std::size_t k = 0; k < weights.size(); ++k)
      for (const py::object& weight : weights[k]) treatments[k].push_back(parse_treatment(weight));
    network_.treat(std::move(treatments));
  }

  void constrain(double rate) override {
    py::gil_scoped_release release;
    Crew::gather(1, [&](Crew& crew) {
      for (const auto& layer : plain_weights(network_))
        for (const Weight<Real>& weight : layer)
          if (weight.treatment->follows_steps())
            gs::constrain(weight.w, *weight.treatment, weight.treatment->penalty.proximal * rate, crew);
    });
  }

  py::tuple value_and_grad(const std::string& loss, bool from_logits, py::handle x, py::handle y,
                           std::uint32_t number) const override {
    const Scoring scoring = parse_scoring(loss, from_logits, {});
    const Inputs from = check_inputs(x, "x", network_.inputs);
    const Targets targets = check_y(y, *scoring.loss);
    const std::size_t rows = targets.rows;
    check_lengths(from, targets);
    py::array dx = aligned_zeros({py::ssize_t(rows), py::ssize_t(network_.inputs)}, dtype);
    py::list gradients;
    auto weights = plain_weights(network_);
    const std::vector<py::array> flat = gradient_arrays();
    for (auto& layer : weights) {
      py::list own;
      for (auto& weight : layer) {
        if (!weight.trainable()) continue;
        weight.gradient = data<Real>(flat[weight.number]);
        own.append(flat[weight.number]);
      }
      gradients.append(own);
    }
    double sum = 0;
    {
      py::gil_scoped_release release;
      const Mover none{};
      Pass<Real> pass(network_, rows, Goal::gradient, scoring, std::move(weights), none, from.source);
      pass.begin(number);
      for (std::size_t i = 0; i < rows; ++i) {
        pass.set_row(i, std::int64_t(i), from.data() + i * network_.inputs * item_size(from.source));
        pass.targets[i] = targets.data + i * targets.row_size;
      }
      Crew::gather(pass.threads(), [&](Crew& crew) { pass.run(crew); });
      std::copy(pass.dx, pass.dx + rows * network_.inputs, data<Real>(dx));
      for (const double value : pass.values[0]) sum += value;
      sum += double(rows) * pass.penalty();
    }
    return py::make_tuple(sum / double(rows), gradients, dx);
  }

  std::unique_ptr<PyRun> run(py::object self, const Scoring& scoring, py::handle x, py::handle y,
                             std::size_t batch_size, py::object optimizer, const std::vector<std::size_t>& indices,
                             bool gradients) const override {
    Inputs from = check_inputs(x, "x", network_.inputs);
    Targets targets = check_y(y, *scoring.loss);
    check_lengths(from, targets);
    return std::make_unique<TypedRun<Real>>(std::move(self), network_, scoring, std::move(from), std::move(targets),
                                            batch_size, std::move(optimizer), indices,
                                            gradients ? gradient_arrays() : std::vector<py::array>{});
  }

 private:
  static constexpr Dtype dtype = sizeof(Real) == 4 ? Dtype::f32 : Dtype::f64;

  Targets check_y(py::handle y, const ScoreInfo& loss) const {
    return check_targets(y, "y", loss.labels, dtype, network_.outputs);
  }
  /// Zeros, an array for each trainable weight.
  std::vector<py::array> gradient_arrays() const {
    std::vector<Wanted> wanted;
    const auto shape = shapes(network_.layers);
    for (std::size_t k = 0; k < shape.size(); ++k)
      for (std::size_t i = 0; i < shape[k].size(); ++i)
        if (network_.treatments[k][i].trainable) wanted.push_back({numpy_dtype(dtype), shape[k][i]});
    return zeros_in_arena(wanted);
  }
  static void check_lengths(const Inputs& x, const Targets& y) {
    if (y.rows == 0 || x.rows != y.rows)
      throw py::value_error("x and y must have as many rows, at least one; got " + std::to_string(x.rows) + " and " +
                            std::to_string(y.rows) + ".");
  }

  Network<Real> network_;
};

std::unique_ptr<PyNetwork> make_network(std::int64_t inputs, const std::vector<py::dict>& specs,
                                        const std::string& dtype) {
  if (parse_dtype(dtype) == Dtype::f32) return std::make_unique<TypedNetwork<float>>(inputs, specs);
  return std::make_unique<TypedNetwork<double>>(inputs, specs);
}

}  // namespace

void bind_network(py::module_& m) {
  m.def("weight_shapes", [](std::int64_t inputs, const std::vector<py::dict>& specs) {
    py::list all;
    for (const auto& layer : shapes(parse_layers(inputs, specs))) {
      py::list each;
      for (const auto& shape : layer) each.append(py::tuple(py::cast(shape)));
      all.append(each);
    }
    return all;
  });
  py::class_<PyNetwork>(m, "Network")
      .def(py::init(&make_network))
      .def_property_readonly("inputs", &PyNetwork::inputs)
      .def_property_readonly("outputs", &PyNetwork::outputs)
      .def_property_readonly("parameters",
                             [](py::object self) { return self.cast<const PyNetwork&>().parameters(self); })
      .def_property_readonly("penalty", &PyNetwork::penalty)
      .def_property_readonly("trained", &PyNetwork::trained)
      .def("treat", &PyNetwork::treat)
      .def("constrain", &PyNetwork::constrain)
      .def("predict", &PyNetwork::predict)
      .def("value_and_grad", &PyNetwork::value_and_grad, py::arg("loss"), py::arg("from_logits"), py::arg("x"),
           py::arg("y"), py::arg("number") = 0);

  py::class_<PyRun>(m, "Run")
      .def(py::init([](py::object network, const std::string& loss, bool from_logits,
                       const std::vector<std::string>& metrics, py::handle x, py::handle y, std::int64_t batch_size,
                       py::object optimizer, const std::vector<std::size_t>& indices, bool gradients) {
             return network.cast<const PyNetwork&>().run(network, parse_scoring(loss, from_logits, metrics), x, y,
                                                         parse_batch_size(batch_size), std::move(optimizer), indices,
                                                         gradients);
           }),
           py::arg("network"), py::arg("loss"), py::arg("from_logits"), py::arg("metrics"), py::arg("x"), py::arg("y"),
           py::arg("batch_size"), py::arg("optimizer"), py::arg("indices"), py::arg("gradients") = false)
      .def("start", &PyRun::start, py::arg("order"), py::arg("number") = 0)
      .def("advance", &PyRun::advance)
      .def("profile", &PyRun::profile)
      .def_property_readonly("progress", &PyRun::progress)
      .def_property_readonly("gradients", &PyRun::gradients)
      .def("again", &PyRun::again);
}

}  // namespace gs
