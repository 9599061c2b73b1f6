// Models on a GPU: runs over data, as TrainLoop has them on the CPU, and predictions.
#include <pybind11/stl.h>

#include "bindings/cuda/device_optimizer.hpp"
#include "bindings/models/network.hpp"
#include "bindings/module.hpp"
#include "kernels/cuda/products.hpp"
#include "train/cuda/device_loop.hpp"

namespace gs {
namespace {

constexpr int device = 0;  // of those that are visible to the process

class PyDeviceLoop {
 public:
  virtual ~PyDeviceLoop() = default;
  virtual void take(py::handle x, py::handle y, const py::object& weights, const py::object& mask) = 0;
  virtual void release() = 0;
  virtual void start(const std::optional<py::array>& order, std::uint32_t number,
                     const std::optional<py::array>& ids) = 0;
  virtual bool advance(double seconds) = 0;
  virtual py::tuple progress() const = 0;
  virtual py::array outputs() const = 0;
  virtual bool over() const = 0;
};

template <class Real> class TypedDeviceLoop : public PyDeviceLoop {
 public:
  TypedDeviceLoop(py::object owner, const std::shared_ptr<Guard>& guard, const Network<Real>& network,
                  std::vector<Scoring> scorings, DataSet<Real> data, std::size_t batch_size,
                  std::unique_ptr<PyStepper> stepper)
      : owner_(std::move(owner)),
        guard_(guard),
        network_(network),
        scorings_(std::move(scorings)),
        data_(std::move(data)),
        stepper_(std::move(stepper)),
        loop_(network, scorings_.at(0), data_.data(), batch_size, checked(network), device) {}

  void take(py::handle x, py::handle y, const py::object& weights, const py::object& mask) override {
    check_idle();
    data_ = DataSet<Real>(network_, scorings_, x, y, weights, mask);
    loop_.take(data_.data());
  }
  void release() override {
    check_idle();
    loop_.start({}, 0);
    data_.release();
  }
  void start(const std::optional<py::array>& given, std::uint32_t number,
             const std::optional<py::array>& ids) override {
    check_idle();
    std::vector<std::int64_t> order = rows_in_order(given, data_.rows());
    const std::vector<std::int64_t> drawn = check_ids(ids, order.size());
    loop_.start(std::move(order), number, drawn);
  }
  bool advance(double seconds) override {
    const Hold hold(guard_, stepper_ ? Use::change : Use::read);
    const Mark mark(*this);
    std::optional<PyStepper::Busy> steps;
    if (stepper_) steps.emplace(*stepper_, loop_.steps_left());
    return released([&] { return loop_.advance(seconds, hold.guard()); });
  }
  py::tuple progress() const override { return progress_of(scorings_, loop_); }
  py::array outputs() const override {
    check_idle();
    py::array_t<Real> all({py::ssize_t(loop_.last_rows()), py::ssize_t(network_.output_size())});
    if (all.size() > 0) loop_.read_outputs(all.mutable_data());
    return all;
  }
  bool over() const override { return loop_.steps_left() == 0; }

 private:
  struct Mark {
    explicit Mark(TypedDeviceLoop& run) : run(run) {
      run.check_idle();
      run.busy_ = true;
    }
    ~Mark() { run.busy_ = false; }
    Mark(const Mark&) = delete;
    TypedDeviceLoop& run;
  };

  void check_idle() const {
    if (busy_) throw std::runtime_error("this run is in the middle of a step on another thread.");
    if (stepper_) stepper_->check_idle();
  }

  /// The engine's, if it steps the network's weights as a GPU can.
  Stepper* checked(const Network<Real>& network) const {
    if (!stepper_) return nullptr;
    std::vector<const std::byte*> weights;
    for (const auto& layer : plain_weights(network))
      for (const Weight<Real>& weight : layer)
        if (weight.trainable()) weights.push_back(reinterpret_cast<const std::byte*>(weight.w));
    stepper_->check_weights(weights);
    for (std::size_t k = 0; k < weights.size(); ++k)
      check_serves_gpu(stepper_->engine().optimizer_of(k), "models on a GPU", "models in CPU memory");
    return &stepper_->engine();
  }

  const py::object owner_;  // the network
  const std::shared_ptr<Guard> guard_;
  const Network<Real>& network_;
  const std::vector<Scoring> scorings_;
  DataSet<Real> data_;
  const std::unique_ptr<PyStepper> stepper_;  // null: nothing is trained
  DeviceLoop<Real> loop_;
  bool busy_ = false;
};

std::size_t parse_batch(std::int64_t batch_size) {
  if (batch_size < 1) throw py::value_error("batch_size must be 1 or more; got " + std::to_string(batch_size) + ".");
  return std::size_t(batch_size);
}

std::unique_ptr<PyDeviceLoop> make_loop(py::object network, const py::object& loss, const py::object& metrics,
                                        py::handle x, py::handle y, std::int64_t batch_size,
                                        const std::vector<py::object>& optimizers,
                                        const std::vector<PyStepper::Place>& places, const py::object& weights,
                                        const py::object& mask, bool outputs) {
  if (optimizers.size() > 1) throw py::value_error("a model on a GPU is trained by one optimizer.");
  auto stepper = optimizers.empty() ? nullptr : std::make_unique<PyStepper>(optimizers, places, py::none());
  const auto& known = network.cast<const PyNetwork&>();
  return std::visit(
      [&](const auto* engine) -> std::unique_ptr<PyDeviceLoop> {
        using Real = std::remove_pointer_t<std::decay_t<decltype(engine->weights[0][0])>>;
        std::vector<Scoring> scorings = parse_scorings(engine->outputs.size(), loss, metrics, outputs);
        DataSet<Real> data(*engine, scorings, x, y, weights, mask);
        return std::make_unique<TypedDeviceLoop<Real>>(network, known.guard(), *engine, std::move(scorings),
                                                       std::move(data), parse_batch(batch_size), std::move(stepper));
      },
      known.network());
}

/// Why a model cannot run on a GPU, as (layer or None, reason); None if it can.
py::object problem_of(const PyNetwork& network, const py::object& loss, const py::object& metrics) {
  DeviceProblem problem;
  std::visit(
      [&](const auto* engine) {
        DeviceChain chain;
        problem = device_chain(*engine, chain);
        if (problem.why.empty() && !loss.is_none())
          problem = device_problem(chain, parse_scorings(engine->outputs.size(), loss, metrics, false).at(0));
      },
      network.network());
  if (problem.why.empty()) return py::none();
  return py::make_tuple(problem.layer < 0 ? py::object(py::none()) : py::cast(problem.layer), problem.why);
}

std::size_t predict(const PyNetwork& network, py::handle x, py::handle out, std::int64_t batch_size, std::int64_t begin,
                    double seconds) {
  return std::visit(
      [&](const auto* engine) {
        using Real = std::remove_pointer_t<std::decay_t<decltype(engine->weights[0][0])>>;
        const std::vector<Inputs> from = check_x(*engine, x);
        const py::array to = check_rows<Real>(each_of(out, engine->outputs.size(), "out").at(0), "out",
                                              std::int64_t(engine->output_size()));
        check_writable(to, "out");
        const std::size_t rows = from[0].rows;
        if (std::size_t(to.shape(0)) != rows) throw py::value_error("x and out must have the same number of rows.");
        if (begin < 0 || std::size_t(begin) > rows) throw py::value_error("begin must be a row of x.");
        const Data all{{{from[0].data, from[0].source}}, {}, rows};
        const std::size_t batch = parse_batch(batch_size);
        Real* const outputs = data<Real>(to);
        const Hold hold(network.guard(), Use::read);
        return released([&] {
          return device_predict(*engine, all, outputs, batch, std::size_t(begin), seconds, hold.guard(), device);
        });
      },
      network.network());
}

/// Why there is no GPU that models can be on; empty: there is one.
std::string missing() {
  if (device_count() == 0) return "CUDA finds no GPU, or no driver of one";
  const CurrentDevice current(device);
  const DeviceProducts products;
  return products.missing() ? products.missing() : "";
}

}  // namespace

void bind_device_models(py::module_& m) {
  py::class_<PyDeviceLoop>(m, "DeviceLoop")
      .def(py::init(&make_loop), py::arg("network"), py::arg("loss"), py::arg("metrics"), py::arg("x"), py::arg("y"),
           py::arg("batch_size"), py::arg("optimizers") = py::list(), py::arg("places") = py::list(),
           py::arg("weights") = py::none(), py::arg("mask") = py::none(), py::arg("outputs") = false)
      .def("take", &PyDeviceLoop::take, py::arg("x"), py::arg("y"), py::arg("weights") = py::none(),
           py::arg("mask") = py::none())
      .def("release", &PyDeviceLoop::release)
      .def("start", &PyDeviceLoop::start, py::arg("order"), py::arg("number") = 0, py::arg("ids") = py::none())
      .def("advance", &PyDeviceLoop::advance)
      .def_property_readonly("batches", [](const PyDeviceLoop& loop) { return py::object(loop.progress()[0]); })
      .def_property_readonly("progress", &PyDeviceLoop::progress)
      .def_property_readonly("outputs", &PyDeviceLoop::outputs)
      .def_property_readonly("masks", [](const PyDeviceLoop&) { return std::vector<py::object>{py::none()}; })
      .def_property_readonly("over", &PyDeviceLoop::over);
  m.def("device_predict", &predict);
  m.def("device_problem", &problem_of, py::arg("network"), py::arg("loss") = py::none(),
        py::arg("metrics") = py::none());
  m.def("device_missing", &missing);
}

}  // namespace gs
