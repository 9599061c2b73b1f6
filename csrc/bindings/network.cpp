// Networks and what runs them: one Python class over the templates for float and double.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "bindings/arrays.hpp"
#include "bindings/data.hpp"
#include "bindings/forward_backward.hpp"
#include "bindings/guard.hpp"
#include "bindings/module.hpp"
#include "bindings/released.hpp"
#include "bindings/scoring.hpp"
#include "bindings/train_loop.hpp"
#include "bindings/weight_attributes.hpp"
#include "runtime/buffer.hpp"
#include "train/network.hpp"
#include "train/train_loop.hpp"

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
  std::vector<double> reals(const char* name) const {
    return spec_.contains(name) ? spec_[name].cast<std::vector<double>>() : std::vector<double>{};
  }
  void check(bool holds, const char* message) const {
    if (!holds) throw py::value_error(message);
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

/// Of the weights of each layer; the first ones, where a layer says it of no more.
std::vector<std::vector<WeightAttributes>> parse_treatments(const std::vector<py::dict>& specs) {
  std::vector<std::vector<WeightAttributes>> all(specs.size());
  for (std::size_t k = 0; k < specs.size(); ++k)
    if (specs[k].contains("weights"))
      for (const py::handle& weight : specs[k]["weights"]) all[k].push_back(parse_weight_attributes(weight));
  return all;
}

std::size_t parse_batch_size(std::int64_t batch_size) {
  if (batch_size < 1) throw py::value_error("batch_size must be 1 or more; got " + std::to_string(batch_size) + ".");
  return std::size_t(batch_size);
}

/// Shapes of layers' weights, by layer.
std::vector<std::vector<std::vector<py::ssize_t>>> shapes(const std::vector<AnyLayer>& layers) {
  std::vector<std::vector<std::vector<py::ssize_t>>> all;
  for (const AnyLayer& any : layers) {
    all.emplace_back();
    std::visit(
        [&](const auto& layer) {
          for (std::size_t i = 0; i < layer.n_weights(); ++i) {
            const auto [rows, columns] = layer.weights()[i];
            const py::ssize_t sizes[] = {py::ssize_t(rows), py::ssize_t(columns)};
            all.back().emplace_back(sizes + (rows ? 0 : 1), sizes + 2);
          }
        },
        any);
  }
  return all;
}

using Arrays = std::vector<std::vector<py::array>>;  // by layer

/// Where the weights of layers lie that Python keeps.
template <class Real>
std::vector<std::vector<Real*>> check_kept(const std::vector<AnyLayer>& layers, const Arrays& kept) {
  const auto wanted = shapes(layers);
  std::vector<std::vector<Real*>> all;
  if (kept.size() != wanted.size()) throw py::value_error("kept must have a list for each layer.");
  for (std::size_t k = 0; k < kept.size(); ++k) {
    if (kept[k].size() != wanted[k].size()) throw py::value_error("kept must have an array for each weight.");
    all.emplace_back();
    for (std::size_t i = 0; i < kept[k].size(); ++i) {
      const py::array& array = kept[k][i];
      const std::string name = "kept[" + std::to_string(k) + "][" + std::to_string(i) + "]";
      check_rows<Real>(array, name, wanted[k][i].size() == 2 ? std::int64_t(wanted[k][i][1]) : -1);
      check_writable(array, name);
      if (array.shape(0) != wanted[k][i][0]) throw py::value_error(name + " has shape " + shape_text(array) + ".");
      if (reinterpret_cast<std::uintptr_t>(array.data()) % alignment)
        throw py::value_error(name + " must be aligned to " + std::to_string(alignment) + " bytes.");
      all.back().push_back(data<Real>(array));
    }
  }
  return all;
}

// -- what Python sees, for either type -----------------------------------------------------------------------------

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
  virtual void set_weight_attributes(const std::vector<std::vector<py::object>>& weights) = 0;
  virtual void constrain(double rate) = 0;
  virtual py::tuple value_and_grad(const py::dict& loss, py::handle x, py::handle y, std::uint32_t number,
                                   const py::object& weights, const py::object& mask) const = 0;
  virtual std::unique_ptr<PyTrainLoop> run(py::object self, const Scoring& scoring, py::handle x, py::handle y,
                                           std::size_t batch_size, py::object optimizer,
                                           const std::vector<std::size_t>& indices, bool gradients,
                                           const py::object& weights, const py::object& mask) const = 0;
  virtual std::unique_ptr<PyForwardBackward> forward_backward(py::object self) const = 0;
};

template <class Real> class TypedNetwork : public PyNetwork {
 public:
  TypedNetwork(std::int64_t inputs, const std::vector<py::dict>& specs, const std::optional<Arrays>& kept,
               std::shared_ptr<Guard> guard)
      : guard_(std::move(guard)),
        kept_(kept.value_or(Arrays{})),
        network_(std::size_t(inputs), parse_layers(inputs, specs), parse_treatments(specs),
                 kept ? check_kept<Real>(parse_layers(inputs, specs), kept_) : std::vector<std::vector<Real*>>{}) {}

  std::size_t inputs() const override { return network_.inputs; }
  std::size_t outputs() const override { return network_.outputs; }

  py::list parameters(py::handle self) const override {
    if (!kept_.empty()) return py::cast(kept_);
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
    const Hold hold(guard_, Use::read);
    return released([&] {
      return predictor.advance({from.data, from.source, nullptr, 0, from.rows}, data<Real>(to), std::size_t(begin),
                               seconds, hold.guard());
    });
  }

  double penalty() const override { return network_.penalty(); }

  std::vector<std::vector<bool>> trained() const override {
    std::vector<std::vector<bool>> all;
    for (const auto& layer : network_.attributes) {
      all.emplace_back();
      for (const auto& attributes : layer) all.back().push_back(attributes->trainable);
    }
    return all;
  }

  void set_weight_attributes(const std::vector<std::vector<py::object>>& weights) override {
    if (weights.size() != network_.layers.size())
      throw py::value_error("weights must have a list for each of " + std::to_string(network_.layers.size()) +
                            " layers; got " + std::to_string(weights.size()) + ".");
    std::vector<std::vector<WeightAttributes>> attributes(weights.size());
    for (std::size_t k = 0; k < weights.size(); ++k)
      for (const py::object& weight : weights[k]) attributes[k].push_back(parse_weight_attributes(weight));
    const Hold hold(guard_, Use::change);
    network_.set_weight_attributes(std::move(attributes));
  }

  void constrain(double rate) override {
    const Hold hold(guard_, Use::change);
    py::gil_scoped_release release;
    ThreadTeam::run(1, [&](ThreadTeam& team) {
      for (const auto& layer : plain_weights(network_))
        for (const Weight<Real>& weight : layer)
          if (weight.attributes->follows_steps())
            gs::constrain(weight.w, *weight.attributes, weight.attributes->penalty.proximal * rate, team);
    });
  }

  py::tuple value_and_grad(const py::dict& loss, py::handle x, py::handle y, std::uint32_t number,
                           const py::object& weights, const py::object& mask) const override {
    const Scoring scoring = parse_scoring(loss, {});
    const Inputs from = check_inputs(x, "x", network_.inputs);
    const Targets targets = check_targets(y, "y", scoring.loss, dtype, network_.outputs);
    const std::size_t rows = from.rows;
    check_lengths(from, targets);
    const RowWeights counts(weights, mask, rows);
    const Hold hold(guard_, network_.has_statistics() ? Use::change : Use::read);
    py::array dx = aligned_zeros({py::ssize_t(rows), py::ssize_t(network_.inputs)}, dtype);
    py::list gradients;
    auto places = plain_weights(network_);
    const std::vector<py::array> flat = gradient_arrays();
    for (auto& layer : places) {
      py::list own;
      for (auto& weight : layer) {
        if (!weight.trainable()) continue;
        weight.gradient = data<Real>(flat[weight.number]);
        own.append(flat[weight.number]);
      }
      gradients.append(own);
    }
    const UpdateEpilogue none{};
    Executor<Real> executor(network_, rows, Mode::gradient, scoring, std::move(places), none, from.source);
    executor.begin(number);
    executor.set_sample_weights(counts.weights_data(), counts.mask_data());
    for (std::size_t i = 0; i < rows; ++i) {
      executor.set_row(i, std::int64_t(i), from.data + i * network_.inputs * item_size(from.source));
      executor.targets[i] = targets.data + i * targets.row_size;
    }
    released([&] { ThreadTeam::run(executor.threads(), [&](ThreadTeam& team) { executor.run(team); }); });
    std::copy(executor.dx, executor.dx + rows * network_.inputs, data<Real>(dx));
    return py::make_tuple(executor.loss() + executor.penalty(), gradients, dx);
  }

  std::unique_ptr<PyTrainLoop> run(py::object self, const Scoring& scoring, py::handle x, py::handle y,
                                   std::size_t batch_size, py::object optimizer,
                                   const std::vector<std::size_t>& indices, bool gradients, const py::object& weights,
                                   const py::object& mask) const override {
    Inputs from = check_inputs(x, "x", network_.inputs);
    Targets targets = check_targets(y, "y", scoring, dtype, network_.outputs);
    check_lengths(from, targets);
    RowWeights counts(weights, mask, from.rows);
    return std::make_unique<TypedTrainLoop<Real>>(
        std::move(self), guard_, network_, scoring, std::move(from), std::move(targets), batch_size,
        std::move(optimizer), indices, gradients ? gradient_arrays() : std::vector<py::array>{}, std::move(counts));
  }

  std::unique_ptr<PyForwardBackward> forward_backward(py::object self) const override {
    return std::make_unique<TypedForwardBackward<Real>>(std::move(self), guard_, network_, gradient_arrays());
  }

 private:
  static constexpr Dtype dtype = real_dtype<Real>();

  /// Zeros, an array for each trainable weight.
  std::vector<py::array> gradient_arrays() const {
    std::vector<Wanted> wanted;
    const auto shape = shapes(network_.layers);
    for (std::size_t k = 0; k < shape.size(); ++k)
      for (std::size_t i = 0; i < shape[k].size(); ++i)
        if (network_.attributes[k][i]->trainable) wanted.push_back({numpy_dtype(dtype), shape[k][i]});
    return zeros_in_arena(wanted);
  }

  const std::shared_ptr<Guard> guard_;
  const Arrays kept_;  // the weights, if Python keeps them
  Network<Real> network_;
};

std::unique_ptr<PyNetwork> make_network(std::int64_t inputs, const std::vector<py::dict>& specs,
                                        const std::string& dtype, const std::optional<Arrays>& kept,
                                        std::shared_ptr<PyGuard> guard) {
  if (!guard) guard = std::make_shared<PyGuard>();
  if (parse_dtype(dtype) == Dtype::f32) return std::make_unique<TypedNetwork<float>>(inputs, specs, kept, guard);
  return std::make_unique<TypedNetwork<double>>(inputs, specs, kept, guard);
}

}  // namespace

void bind_network(py::module_& m) {
  m.def("weight_shapes", [](std::int64_t n, const std::vector<py::dict>& all) { return shapes(parse_layers(n, all)); });
  py::class_<PyNetwork>(m, "Network")
      .def(py::init(&make_network), py::arg("inputs"), py::arg("layers"), py::arg("dtype"),
           py::arg("kept") = py::none(), py::arg("guard") = py::none())
      .def_property_readonly("inputs", &PyNetwork::inputs)
      .def_property_readonly("outputs", &PyNetwork::outputs)
      .def_property_readonly("parameters",
                             [](py::object self) { return self.cast<const PyNetwork&>().parameters(self); })
      .def_property_readonly("penalty", &PyNetwork::penalty)
      .def_property_readonly("trained", &PyNetwork::trained)
      .def("set_weight_attributes", &PyNetwork::set_weight_attributes)
      .def("constrain", &PyNetwork::constrain)
      .def("predict", &PyNetwork::predict)
      .def("value_and_grad", &PyNetwork::value_and_grad, py::arg("loss"), py::arg("x"), py::arg("y"),
           py::arg("number") = 0, py::arg("weights") = py::none(), py::arg("mask") = py::none());

  py::class_<PyTrainLoop>(m, "TrainLoop")
      .def(py::init([](py::object network, const py::object& loss, const std::vector<std::string>& metrics,
                       py::handle x, py::handle y, std::int64_t batch_size, py::object optimizer,
                       const std::vector<std::size_t>& indices, bool gradients, const py::object& weights,
                       const py::object& mask, bool outputs) {
             Scoring scoring = parse_scoring(loss, metrics);
             scoring.outputs = outputs;
             return network.cast<const PyNetwork&>().run(network, scoring, x, y, parse_batch_size(batch_size),
                                                         std::move(optimizer), indices, gradients, weights, mask);
           }),
           py::arg("network"), py::arg("loss"), py::arg("metrics"), py::arg("x"), py::arg("y"), py::arg("batch_size"),
           py::arg("optimizer"), py::arg("indices"), py::arg("gradients") = false, py::arg("weights") = py::none(),
           py::arg("mask") = py::none(), py::arg("outputs") = false)
      .def("take", &PyTrainLoop::take, py::arg("x"), py::arg("y"), py::arg("weights") = py::none(),
           py::arg("mask") = py::none())
      .def("release", &PyTrainLoop::release)
      .def("start", &PyTrainLoop::start, py::arg("order"), py::arg("number") = 0)
      .def("advance", &PyTrainLoop::advance)
      .def("profile", &PyTrainLoop::profile)
      .def_property_readonly("progress", &PyTrainLoop::progress)
      .def_property_readonly("gradients", &PyTrainLoop::gradients)
      .def_property_readonly("outputs", &PyTrainLoop::outputs)
      .def("again", &PyTrainLoop::again)
      .def_property_readonly("over", &PyTrainLoop::over)
      .def("forward", &PyTrainLoop::forward, py::arg("again") = false)
      .def("backward", &PyTrainLoop::backward, py::arg("loss"), py::arg("dy"), py::arg("again") = false);

  py::class_<PyForwardBackward>(m, "ForwardBackward")
      .def(py::init([](py::object network) { return network.cast<const PyNetwork&>().forward_backward(network); }))
      .def("forward", &PyForwardBackward::forward, py::arg("x"), py::arg("training") = false, py::arg("number") = 0,
           py::arg("ids") = py::none(), py::arg("dx") = false)
      .def("backward", &PyForwardBackward::backward)
      .def_property_readonly("gradients", &PyForwardBackward::gradients);
}

}  // namespace gs
