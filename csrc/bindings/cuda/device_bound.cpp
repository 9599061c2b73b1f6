// Steps of arrays on a GPU.
#include <pybind11/stl.h>

#include <algorithm>

#include "bindings/cuda/device_optimizer.hpp"
#include "bindings/module.hpp"
#include "bindings/turns.hpp"

namespace gs {
namespace {

class DeviceBound {
 public:
  /// arrays: the parameters' objects; stream: what gives the stream to queue steps on, or None: the gradients' own.
  DeviceBound(py::object optimizer, std::vector<std::size_t> indices, std::vector<std::string> labels,
              std::vector<py::object> arrays, const DeviceReader& reader, py::object stream)
      : owner_(std::move(optimizer)),
        device_(owner_.cast<DeviceOptimizer&>()),
        indices_(std::move(indices)),
        labels_(std::move(labels)),
        arrays_(std::move(arrays)),
        reader_(reader),
        stream_(std::move(stream)),
        space_(device_space(parameters())),
        memory_(device_.device, space_.all()) {}

  void step(py::handle gradients) {
    PyOptimizer& optimizer = device_.optimizer();
    optimizer.check_idle();
    const PyOptimizer::Busy busy(optimizer);
    collect(gradients);
    if (grads_.empty()) return;  // nothing but None: no step was made
    const CurrentDevice current(device_.device);
    check_device(current.error, "choosing the device");
    for (const DeviceStream other : others_) check_device(device_wait(now_, other), "waiting for a stream");
    check_device(device_step(optimizer.engine, grads_, idle_, device_.global_scalars(),
                             device_workspace(space_, memory_.data()), now_),
                 "a step");
  }

  /// Throws what `step` would before it queues anything.
  void check(py::handle gradients) {
    PyOptimizer& optimizer = device_.optimizer();
    optimizer.check_idle();
    const PyOptimizer::Busy busy(optimizer);
    collect(gradients);
  }

 private:
  std::vector<const Parameter*> parameters() const {
    std::vector<const Parameter*> all;
    for (std::size_t i = 0; i < indices_.size(); ++i) {
      all.push_back(&device_.parameters.at(indices_[i]));
      if (std::find(indices_.begin(), indices_.begin() + std::ptrdiff_t(i), indices_[i]) !=
          indices_.begin() + std::ptrdiff_t(i))
        throw py::value_error(noun("parameter", labels_[i]) + " is there twice; each must appear once.");
    }
    return all;
  }

  void collect(py::handle gradients) {
    device_.optimizer().prepare(1);
    grads_.clear();
    others_.clear();
    idle_.clear();
    has_stream_ = !stream_.is_none();
    now_ = has_stream_ ? stream_().cast<DeviceStream>() : 0;
    if (labels_.size() == 1 && labels_[0].empty()) {
      take(0, gradients);
    } else {
      if (!py::isinstance<py::list>(gradients) && !py::isinstance<py::tuple>(gradients))
        throw py::type_error("gradients must be a list or tuple of " + std::to_string(indices_.size()) +
                             " arrays, in the parameters' order; got " +
                             std::string(py::str(py::type::of(gradients).attr("__name__"))) + ".");
      const auto all = py::reinterpret_borrow<py::sequence>(gradients);
      check_gradient_count(all.size(), indices_.size());
      for (std::size_t i = 0; i < indices_.size(); ++i) take(i, py::object(all[i]));
    }
    if (device_.optimizer().engine.options.average && grads_.size() < device_.parameters.size()) find_idle();
  }

  void take(std::size_t i, const py::handle& object) {
    if (object.is_none()) return;
    const Parameter& p = device_.parameters.at(indices_[i]);
    check_unmoved(i, p);
    const std::string name = noun("gradient", labels_[i]);
    const DeviceView view = reader_.read(object, name);
    if (view.device != device_.device)
      throw py::value_error(name + " must be on GPU " + std::to_string(device_.device) +
                            ", as its parameter; it is on GPU " + std::to_string(view.device) + ".");
    const bool half = is_half(view.dtype), master = is_half(p.dtype) && view.dtype == Dtype::f32;
    if (view.dtype != p.dtype && !half && !master)
      throw py::type_error(name + " is " + dtype_name(view.dtype) + "; its parameter is " + dtype_name(p.dtype) + ".");
    if (view.shape != p.layout.shape)
      throw py::value_error(name + " has shape " + shape_of(view.shape) + "; its parameter has shape " +
                            shape_of(p.layout.shape) + ".");
    device_.check_apart(p, view, labels_[i]);
    if (view.stream) follow(*view.stream);
    grads_.push_back({&p, view.data, view.dtype});
  }

  /// The step goes to the stream of the first gradient that has one, and waits for those of others.
  void follow(DeviceStream stream) {
    if (!has_stream_) now_ = stream;
    has_stream_ = true;
    if (stream != now_ && std::find(others_.begin(), others_.end(), stream) == others_.end()) others_.push_back(stream);
  }

  void check_unmoved(std::size_t i, const Parameter& p) const {
    const DeviceView now = reader_.read(arrays_[i], noun("parameter", labels_[i]));
    if (now.data != p.data || now.shape != p.layout.shape || now.dtype != p.dtype)
      throw py::value_error(noun("parameter", labels_[i]) +
                            " must stay where it was when the optimizer first saw it; it has been resized, reshaped, "
                            "converted or reallocated since.");
  }

  void find_idle() {
    std::vector<bool> moved(device_.parameters.size());
    for (const DeviceGrad& grad : grads_) moved[grad.parameter->number] = true;
    for (const Parameter& p : device_.parameters)
      if (!moved[p.number]) idle_.push_back(&p);
  }

  static std::string shape_of(const std::vector<std::int64_t>& shape) {
    return std::string(py::str(py::tuple(py::cast(shape))));
  }

  py::object owner_;
  DeviceOptimizer& device_;
  const std::vector<std::size_t> indices_;
  const std::vector<std::string> labels_;
  const std::vector<py::object> arrays_;
  const DeviceReader reader_;
  const py::object stream_;
  const DeviceSpace space_;
  const DeviceMemory memory_;
  std::vector<DeviceGrad> grads_;
  Optimizer::Idle idle_;
  bool has_stream_ = false;
  DeviceStream now_ = 0;
  std::vector<DeviceStream> others_;
};

void copy_bytes(int device, py::buffer host, std::uintptr_t address, bool to_host) {
  const py::buffer_info info = host.request(to_host);
  const CurrentDevice current(device);
  check_device(current.error, "choosing the device");
  const std::size_t bytes = std::size_t(info.size * info.itemsize);
  void* const memory = reinterpret_cast<void*>(address);
  check_device(to_host ? device_to_host(info.ptr, memory, bytes) : device_from_host(memory, info.ptr, bytes), "a copy");
}

}  // namespace

void bind_cuda(py::module_& m) {
  SharedClass<DeviceReader>(m, "DeviceReader")
      .def(py::init<py::object, py::object>(), py::arg("type") = py::none(), py::arg("source") = py::none())
      .def("read", [](const DeviceReader& reader, py::handle array, const std::string& name) {
        const DeviceView view = reader.read(array, name);
        return py::make_tuple(reinterpret_cast<std::uintptr_t>(view.data), py::tuple(py::cast(view.shape)),
                              dtype_name(view.dtype), view.device);
      });
  SharedClass<DeviceOptimizer>(m, "DeviceOptimizer")
      .def(py::init<py::object, int>())
      .def("add", &DeviceOptimizer::add)
      .def("truncate", &DeviceOptimizer::truncate)
      .def("state", &DeviceOptimizer::state)
      .def("scalars", &DeviceOptimizer::scalars)
      .def("set_steps",
           [](DeviceOptimizer& o, std::int64_t t) {
             for (const Parameter& p : o.parameters)
               if (p.steps) *p.steps = t;
           })
      .def("set_decays", [](DeviceOptimizer& o, std::size_t i, bool decays) { o.parameters.at(i).decays = decays; })
      .def("group_of", [](const DeviceOptimizer& o, std::size_t i) { return o.parameters.at(i).group; })
      .def("__len__", [](const DeviceOptimizer& o) { return o.parameters.size(); });
  SharedClass<DeviceBound>(m, "DeviceBound")
      .def(py::init<py::object, std::vector<std::size_t>, std::vector<std::string>, std::vector<py::object>,
                    const DeviceReader&, py::object>())
      .def("step", &DeviceBound::step, py::pos_only())
      .def("check", &DeviceBound::check, py::pos_only());
  m.def("device_read", [](int device, py::buffer to, std::uintptr_t from) { copy_bytes(device, to, from, true); });
  m.def("device_write", [](int device, std::uintptr_t to, py::buffer from) { copy_bytes(device, from, to, false); });
  m.def("device_copy", [](int device, std::uintptr_t to, std::uintptr_t from, std::size_t bytes) {
    const CurrentDevice current(device);
    check_device(current.error, "choosing the device");
    check_device(device_to_device(reinterpret_cast<void*>(to), reinterpret_cast<const void*>(from), bytes), "a copy");
  });
}

}  // namespace gs
