// Networks and what runs them: one Python class over the templates for float and double.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bindings/arrays/arrays.hpp"
#include "bindings/arrays/data_set.hpp"
#include "bindings/arrays/guard.hpp"
#include "bindings/arrays/released.hpp"
#include "bindings/models/curvature_loop.hpp"
#include "bindings/models/forward_backward.hpp"
#include "bindings/models/kept_weights.hpp"
#include "bindings/models/network.hpp"
#include "bindings/models/network_parts.hpp"
#include "bindings/models/row_jacobian.hpp"
#include "bindings/models/scoring.hpp"
#include "bindings/models/tangents.hpp"
#include "bindings/models/train_loop.hpp"
#include "bindings/models/weight_attributes.hpp"
#include "bindings/module.hpp"
#include "bindings/turns.hpp"
#include "runtime/buffer.hpp"
#include "train/loop/predict.hpp"
#include "train/loop/train_loop.hpp"
#include "train/plan/network.hpp"

namespace gs {
namespace {

std::size_t parse_batch_size(std::int64_t batch_size) {
  if (batch_size < 1) throw py::value_error("batch_size must be 1 or more; got " + std::to_string(batch_size) + ".");
  return std::size_t(batch_size);
}

template <class Real> class TypedNetwork : public PyNetwork {
 public:
  TypedNetwork(Parts parts, const std::vector<py::dict>& specs, const std::optional<Arrays>& kept,
               std::shared_ptr<Guard> guard)
      : guard_(std::move(guard)),
        kept_(kept.value_or(Arrays{})),
        network_(parts.inputs, parts.layers, parts.nodes, parts.outputs, parse_all_attributes(specs),
                 kept ? check_kept<Real>(parts.layers, kept_) : std::vector<std::vector<Real*>>{}, parts.masks) {
    for (const py::dict& spec : specs)
      asked_.push_back(spec.contains("asked") ? py::object(spec["asked"]) : py::none());
    network_.ask = [this](const ExternalCall<Real>& call, bool training) { return ask(call, training); };
  }

  std::vector<std::size_t> outputs() const override {
    std::vector<std::size_t> all;
    for (std::size_t k = 0; k < network_.outputs.size(); ++k) all.push_back(network_.output_size(k));
    return all;
  }

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
    const std::vector<Inputs> from = check_x(network_, x, true);
    const std::size_t rows = from[0].rows, count = network_.outputs.size();
    std::vector<Real*> outs;
    std::vector<py::array> held;
    for (const py::object& one : each_of(out, count, "out")) {
      const std::string name = member("out", held.size(), count);
      held.push_back(check_rows<Real>(one, name, std::int64_t(network_.output_size(held.size()))));
      check_writable(held.back(), name);
      if (std::size_t(held.back().shape(0)) != rows)
        throw py::value_error("x and out must have the same number of rows.");
      outs.push_back(data<Real>(held.back()));
    }
    if (begin < 0 || std::size_t(begin) > rows) throw py::value_error("begin must be a row of x.");
    Data all{{}, {}, rows};
    for (const Inputs& input : from) all.x.push_back({input.data, input.source, input.entries});
    const std::size_t batch = parse_batch_size(batch_size);
    network_.check_batches(rows, batch);
    const Hold hold(guard_, network_.has_externals() || network_.batch ? Use::change : Use::read);
    const Guard& guard = hold.guard();
    return released([&] { return gs::predict(network_, kept_passes_, all, outs, batch, begin, seconds, guard); });
  }

  AnyNetwork network() const override { return &network_; }
  const std::shared_ptr<Guard>& guard() const override { return guard_; }
  std::size_t passes() const override { return passes_; }
  double penalty() const override { return network_.penalty(); }
  std::size_t numbers() const override { return network_.numbers; }
  std::size_t batch() const override { return network_.batch; }

  std::vector<bool> masked() const override { return network_.masked(); }

  std::vector<bool> takes_sparse() const override { return network_.takes_sparse(); }

  std::vector<std::vector<bool>> trained() const override {
    std::vector<std::vector<bool>> all;
    for (const auto& layer : network_.attributes) {
      all.emplace_back();
      for (const auto& attributes : layer) all.back().push_back(attributes->trainable);
    }
    return all;
  }

  py::list dense_weights() const override {
    py::list all;
    for (const DenseWeight& w : network_.dense_weights())
      all.append(py::make_tuple(w.inputs, w.outputs, w.calls, w.is_penalized, w.convolves));
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

  py::tuple value_and_grad(const py::object& loss, py::handle x, py::handle y, std::uint32_t number,
                           const py::object& weights, const py::object& mask, bool dx) const override {
    const std::vector<Scoring> scorings = parse_scorings(loss, py::none(), false);
    const DataSet<Real> given(network_, scorings, x, y, weights, mask);
    network_.check_batches(given.rows(), given.rows());
    const Hold hold(guard_, network_.has_statistics() || network_.has_externals() ? Use::change : Use::read);
    const std::vector<py::array> flat = gradient_arrays();
    std::vector<Real*> places;
    for (const py::array& gradient : flat) places.push_back(data<Real>(gradient));
    const Data data_set = given.data();
    PassKind kind{given.rows(), dx ? Mode::gradient : Mode::train, sources_of(data_set)};
    for (const Scoring& scoring : scorings) kind.losses.push_back(scoring.loss);
    std::unique_ptr<Executor<Real>> pass = kept_passes_.take(kind, places);
    set_all_rows(*pass, network_, data_set, number);
    released([&] { pass->run(); });
    ++passes_;
    const double value = pass->loss() + (pass->penalty() + pass->value_penalty());
    py::list dxs;
    for (const Matrix<Real>& one : pass->dx) {
      if (!dx) break;
      py::array copy = aligned_zeros({py::ssize_t(one.rows), py::ssize_t(one.columns)}, dtype);
      std::copy_n(one.at, one.size(), data<Real>(copy));
      dxs.append(copy);
    }
    kept_passes_.give_back(std::move(kind), std::move(pass));
    return py::make_tuple(value, py::cast(flat), dxs);
  }

  void row_jacobian(py::handle x, const py::array& ids, std::uint32_t number, const std::vector<std::size_t>& places,
                    const py::array& to) const override {
    find_row_jacobian(network_, guard_, x, ids, number, places, to);
  }

  py::tuple jvp(py::handle x, const py::object& directions, const py::object& dx, std::uint32_t number,
                bool training) const override {
    return jvp_of(network_, guard_, x, directions, dx, number, training);
  }

  py::list gauss_newton_product(const py::object& loss, py::handle x, py::handle y, const py::object& directions,
                                std::uint32_t number, const py::object& weights,
                                const py::object& mask) const override {
    const std::vector<Scoring> scorings = parse_scorings(loss, py::none(), false);
    const DataSet<Real> given(network_, scorings, x, y, weights, mask);
    const std::vector<py::array> product = gradient_arrays();
    find_gauss_newton_product(network_, guard_, scorings, given, directions, number, product);
    return py::cast(product);
  }

  std::unique_ptr<PyCurvatureLoop> curvature(py::object self, const py::object& loss, py::handle x, py::handle y,
                                             std::size_t chunk, const std::vector<std::size_t>& places,
                                             const py::object& weights, const py::object& mask) const override {
    const std::vector<Scoring> scorings = parse_scorings(loss, py::none(), false);
    DataSet<Real> given(network_, scorings, x, y, weights, mask);
    network_.check_batches(given.rows(), chunk);
    return std::make_unique<TypedCurvatureLoop<Real>>(std::move(self), guard_, network_, scorings, std::move(given),
                                                      chunk, places);
  }

  std::unique_ptr<PyTrainLoop> run(py::object self, const py::object& loss, const py::object& metrics, bool outputs,
                                   py::handle x, py::handle y, std::size_t batch_size,
                                   std::unique_ptr<PyStepper> stepper, bool gradients, const py::object& weights,
                                   const py::object& mask, bool in_shards) const override {
    const std::vector<Scoring> scorings = parse_scorings(loss, metrics, outputs);
    return std::make_unique<TypedTrainLoop<Real>>(
        std::move(self), guard_, network_, scorings, each_of(loss, network_.outputs.size(), "loss"),
        DataSet<Real>(network_, scorings, x, y, weights, mask, true), batch_size, std::move(stepper),
        gradients ? gradient_arrays() : std::vector<py::array>{}, in_shards);
  }

  std::unique_ptr<PyForwardBackward> forward_backward(py::object self) const override {
    return std::make_unique<TypedForwardBackward<Real>>(std::move(self), guard_, network_, gradient_arrays());
  }

 private:
  static constexpr Dtype dtype = real_dtype<Real>();

  std::vector<Scoring> parse_scorings(const py::object& loss, const py::object& metrics, bool outputs) const {
    return gs::parse_scorings(network_.outputs.size(), loss, metrics, outputs);
  }

  /// Zeros, an array for each trainable weight.
  std::vector<py::array> gradient_arrays() const {
    std::vector<Wanted> wanted;
    const auto shape = shapes(network_.layers);
    for (std::size_t k = 0; k < shape.size(); ++k)
      for (std::size_t i = 0; i < shape[k].size(); ++i)
        if (network_.attributes[k][i]->trainable) wanted.push_back({numpy_dtype(dtype), shape[k][i]});
    return zeros_in_arena(wanted);
  }

  // Asks Python: forward(xs, training, call) -> y; backward(dy, call) -> what the layer gives, or False if it has to be
  // asked forward anew. `call` is the same number in both. Arrays are copies, which may be kept, and not written. What
  // comes back is mostly read as it is; output(y, rows) and parts(given, rows, wanted) look at anything else.
  void ask(const ExternalCall<Real>& call, bool training) const {
    const py::gil_scoped_acquire python;
    const py::object& asked = asked_[call.layer];
    const auto& layer = std::get<External>(network_.layers[call.layer]);
    const auto number = reinterpret_cast<std::uintptr_t>(call.y.at);
    const std::size_t rows = call.y.rows;
    const auto copy = [](const Matrix<Real>& of, const Shape& row) {
      std::vector<py::ssize_t> shape{py::ssize_t(of.rows)};
      shape.insert(shape.end(), row.begin(), row.end());
      py::array_t<Real> array(std::move(shape));
      std::copy_n(of.at, of.size(), array.mutable_data());
      py::detail::array_proxy(array.ptr())->flags &= ~py::detail::npy_api::NPY_ARRAY_WRITEABLE_;
      return array;
    };
    const auto inputs = [&](const std::vector<Matrix<Real>>& all) {
      py::list list(all.size());
      for (std::size_t i = 0; i < all.size(); ++i) list[i] = copy(all[i], layer.inputs[i]);
      return list;
    };
    const auto take = [](const py::handle& from, const Matrix<Real>& to) {
      const auto array = from.cast<py::array>();
      if (!has_dtype<Real>(array) || !(array.flags() & py::array::c_style) || std::size_t(array.size()) != to.size())
        throw py::value_error("what a layer gives must be of the network's dtype, in C order, and as many numbers.");
      std::copy_n(data<Real>(array), to.size(), to.at);
    };
    const auto forward = [&](bool trains) -> py::object {
      return asked.attr("forward")(inputs(call.xs), trains, number);
    };
    if (call.tangent) {
      py::list dws;
      for (std::size_t i = 0; i < call.gradients.size(); ++i) {
        const Matrix<Real>& dw = call.gradients[i];
        dws.append(dw ? py::object(py::array_t<Real>(layer.weight_shapes[i], dw.at)) : py::none());
      }
      return take(asked.attr("jvp")(inputs(call.xs), inputs(call.dxs), dws, training, number), call.dy);
    }
    if (!call.backward) {
      py::object y = forward(training);
      if (!are_rows(y, rows, layer.shape)) y = asked.attr("output")(y, rows);
      return take(y, call.y);
    }
    const py::array_t<Real> dy = copy(call.dy, layer.shape);
    py::object given = asked.attr("backward")(dy, number);
    if (given.ptr() == Py_False) {
      forward(true);
      given = asked.attr("backward")(dy, number);
    }
    if (call.dxs.size() == 1 && call.gradients.empty() && are_rows(given, rows, layer.inputs[0])) {
      if (call.dxs[0]) take(given, call.dxs[0]);
      return;
    }
    py::list wanted;
    for (const Matrix<Real>& dx : call.dxs) wanted.append(bool(dx));
    const py::tuple found = asked.attr("parts")(given, rows, wanted);
    const py::list dxs = found[0], gradients = found[1];
    for (std::size_t i = 0; i < call.dxs.size(); ++i)
      if (call.dxs[i]) take(dxs[i], call.dxs[i]);
    for (std::size_t i = 0; i < call.gradients.size(); ++i)
      if (call.gradients[i]) take(gradients[i], call.gradients[i]);
  }

  /// Whether it is an array (rows, *row) of the network's dtype, in C order; not of a subclass, which may be more.
  static bool are_rows(const py::object& given, std::size_t rows, const Shape& row) {
    constexpr int plain = py::array::c_style | py::detail::npy_api::NPY_ARRAY_ALIGNED_;
    if (Py_TYPE(given.ptr()) != py::detail::npy_api::get().PyArray_Type_) return false;
    const auto array = py::reinterpret_borrow<py::array>(given);
    if ((array.flags() & plain) != plain || !has_dtype<Real>(array)) return false;
    if (std::size_t(array.ndim()) != row.size() + 1 || std::size_t(array.shape(0)) != rows) return false;
    return std::equal(row.begin(), row.end(), array.shape() + 1,
                      [](std::size_t a, py::ssize_t b) { return a == std::size_t(b); });
  }

  mutable std::atomic<std::size_t> passes_{0};
  const std::shared_ptr<Guard> guard_;
  const Arrays kept_;              // the weights, if Python keeps them
  std::vector<py::object> asked_;  // (layer), of those that Python computes
  Network<Real> network_;
  mutable KeptPasses<Real> kept_passes_{network_};
};

std::unique_ptr<PyNetwork> make_network(const py::object& inputs, const std::vector<py::dict>& specs,
                                        const std::string& dtype, const std::optional<Arrays>& kept,
                                        std::shared_ptr<PyGuard> guard, const py::object& nodes,
                                        const py::object& outputs, const py::object& masks) {
  if (!guard) guard = std::make_shared<PyGuard>();
  Parts parts = parse_parts(inputs, specs, nodes, outputs, masks);
  if (parse_dtype(dtype) == Dtype::f32) return std::make_unique<TypedNetwork<float>>(parts, specs, kept, guard);
  return std::make_unique<TypedNetwork<double>>(parts, specs, kept, guard);
}

}  // namespace

void bind_network(py::module_& m) {
  m.def("weight_shapes", &weight_shapes_of);
  SharedClass<PyNetwork>(m, "Network")
      .def(py::init(&make_network), py::arg("inputs"), py::arg("layers"), py::arg("dtype"),
           py::arg("kept") = py::none(), py::arg("guard") = py::none(), py::arg("nodes") = py::none(),
           py::arg("outputs") = py::none(), py::arg("masks") = py::none())
      .def_property_readonly("outputs", &PyNetwork::outputs)
      .def_property_readonly("parameters",
                             [](py::object self) { return self.cast<const PyNetwork&>().parameters(self); })
      .def_property_readonly("penalty", &PyNetwork::penalty)
      .def_property_readonly("numbers", &PyNetwork::numbers)
      .def_property_readonly("masked", &PyNetwork::masked)
      .def_property_readonly("takes_sparse", &PyNetwork::takes_sparse)
      .def_property_readonly("batch", &PyNetwork::batch)
      .def_property_readonly("trained", &PyNetwork::trained)
      .def_property_readonly("dense_weights", &PyNetwork::dense_weights)
      .def("set_weight_attributes", &PyNetwork::set_weight_attributes)
      .def("row_jacobian", &PyNetwork::row_jacobian)
      .def("predict", &PyNetwork::predict)
      .def_property_readonly("passes", &PyNetwork::passes)
      .def("value_and_grad", &PyNetwork::value_and_grad, py::arg("loss"), py::arg("x"), py::arg("y"),
           py::arg("number") = 0, py::arg("weights") = py::none(), py::arg("mask") = py::none(), py::arg("dx") = false)
      .def("jvp", &PyNetwork::jvp, py::arg("x"), py::arg("directions") = py::none(), py::arg("dx") = py::none(),
           py::arg("number") = 0, py::arg("training") = false)
      .def("gauss_newton_product", &PyNetwork::gauss_newton_product, py::arg("loss"), py::arg("x"), py::arg("y"),
           py::arg("directions"), py::arg("number") = 0, py::arg("weights") = py::none(), py::arg("mask") = py::none());

  SharedClass<PyTrainLoop> loop(m, "TrainLoop");
  loop.def(py::init([](py::object network, const py::object& loss, const py::object& metrics, py::handle x,
                       py::handle y, std::int64_t batch_size, const std::vector<py::object>& optimizers,
                       const std::vector<PyStepper::Place>& places, py::object around, bool gradients,
                       const py::object& weights, const py::object& mask, bool outputs, bool in_shards) {
             auto stepper =
                 optimizers.empty() ? nullptr : std::make_unique<PyStepper>(optimizers, places, std::move(around));
             return network.cast<const PyNetwork&>().run(network, loss, metrics, outputs, x, y,
                                                         parse_batch_size(batch_size), std::move(stepper), gradients,
                                                         weights, mask, in_shards);
           }),
           py::arg("network"), py::arg("loss"), py::arg("metrics"), py::arg("x"), py::arg("y"), py::arg("batch_size"),
           py::arg("optimizers") = py::list(), py::arg("places") = py::list(), py::arg("around") = py::none(),
           py::arg("gradients") = false, py::arg("weights") = py::none(), py::arg("mask") = py::none(),
           py::arg("outputs") = false, py::arg("in_shards") = false);
  bind_methods(loop);

  SharedClass<PyCurvatureLoop>(m, "CurvatureLoop")
      .def(py::init([](py::object network, const py::object& loss, py::handle x, py::handle y, std::int64_t chunk,
                       const std::vector<std::size_t>& places, const py::object& weights, const py::object& mask) {
             return network.cast<const PyNetwork&>().curvature(network, loss, x, y, parse_batch_size(chunk), places,
                                                               weights, mask);
           }),
           py::arg("network"), py::arg("loss"), py::arg("x"), py::arg("y"), py::arg("chunk"), py::arg("places"),
           py::arg("weights") = py::none(), py::arg("mask") = py::none())
      .def("start", &PyCurvatureLoop::start, py::arg("v"), py::arg("sum"), py::arg("ids") = py::none(),
           py::arg("number") = 0)
      .def("advance", &PyCurvatureLoop::advance);

  SharedClass<PyForwardBackward>(m, "ForwardBackward")
      .def(py::init([](py::object network) { return network.cast<const PyNetwork&>().forward_backward(network); }))
      .def("forward", &PyForwardBackward::forward, py::arg("x"), py::arg("training") = false, py::arg("number") = 0,
           py::arg("ids") = py::none(), py::arg("dx") = false)
      .def("backward", &PyForwardBackward::backward)
      .def_property_readonly("passes", &PyForwardBackward::passes)
      .def_property_readonly("gradients", &PyForwardBackward::gradients);
}

}  // namespace gs
