// What Python calls of a run over data.
#include "bindings/models/train_loop.hpp"

namespace gs {

void bind_methods(SharedClass<PyTrainLoop>& loop) {
  loop.def("take", &PyTrainLoop::take, py::arg("x"), py::arg("y"), py::arg("weights") = py::none(),
           py::arg("mask") = py::none())
      .def("release", &PyTrainLoop::release)
      .def("start", &PyTrainLoop::start, py::arg("order"), py::arg("number") = 0, py::arg("ids") = py::none())
      .def("sum_gradients", &PyTrainLoop::sum_gradients)
      .def("advance", &PyTrainLoop::advance)
      .def("update", &PyTrainLoop::update)
      .def("profile", &PyTrainLoop::profile)
      .def_property_readonly("progress", &PyTrainLoop::progress)
      .def_property_readonly("totals", &PyTrainLoop::totals)
      .def_property_readonly("gradients", &PyTrainLoop::gradients)
      .def_property_readonly("gradient_memory", &PyTrainLoop::gradient_memory)
      .def_property_readonly("outputs", &PyTrainLoop::outputs)
      .def_property_readonly("masks", &PyTrainLoop::masks)
      .def_property_readonly("over", &PyTrainLoop::over)
      .def_property_readonly("asks_python", &PyTrainLoop::asks_python)
      .def_property_readonly("exchanges", &PyTrainLoop::exchanges)
      .def_property_readonly("due", &PyTrainLoop::due)
      .def("take_sum", &PyTrainLoop::take_sum);
}

}  // namespace gs
