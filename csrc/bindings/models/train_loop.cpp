// What Python calls of a run over data.
#include "bindings/models/train_loop.hpp"

namespace gs {

std::vector<std::int64_t> rows_in_order(const std::optional<py::array>& given, std::size_t limit) {
  std::vector<std::int64_t> order(limit);
  if (!given) {
    std::iota(order.begin(), order.end(), 0);
    return order;
  }
  const py::array rows = check_rows<std::int64_t>(*given, "order", -1);
  order.assign(data<std::int64_t>(rows), data<std::int64_t>(rows) + rows.size());
  for (const std::int64_t row : order)
    if (row < 0 || row >= std::int64_t(limit))
      throw py::value_error("order must hold rows in [0, " + std::to_string(limit) + "); got " + std::to_string(row) +
                            ".");
  return order;
}

py::tuple progress_of(const std::vector<Scoring>& scorings, const Totals& totals) {
  const auto mean_of = [](double total, double count) { return count > 0 ? total / count : 0; };
  const auto mean = [&](double total) { return mean_of(total, double(totals.rows)); };
  const auto has_loss = [](const Scoring& scoring) { return scoring.loss.info || scoring.by_caller; };
  py::list values;
  if (std::count_if(scorings.begin(), scorings.end(), has_loss) > 1)
    for (std::size_t k = 0; k < scorings.size(); ++k)
      if (has_loss(scorings[k])) values.append(mean(totals.head_totals[k]));
  std::size_t next = 0;
  for (std::size_t k = 0; k < scorings.size(); ++k)
    for (std::size_t m = 0; m < scorings[k].metrics.size(); ++m)
      values.append(mean_of(totals.metric_totals[next++], totals.head_counts[k]));
  return py::make_tuple(totals.batches, totals.rows, mean(totals.loss_total), values);
}

void bind_methods(SharedClass<PyTrainLoop>& loop) {
  loop.def("take", &PyTrainLoop::take, py::arg("x"), py::arg("y"), py::arg("weights") = py::none(),
           py::arg("mask") = py::none())
      .def("release", &PyTrainLoop::release)
      .def("start", &PyTrainLoop::start, py::arg("order"), py::arg("number") = 0, py::arg("ids") = py::none(),
           py::arg("by_buckets") = false)
      .def("sum_gradients", &PyTrainLoop::sum_gradients)
      .def("is_at", &PyTrainLoop::is_at)
      .def("advance", &PyTrainLoop::advance)
      .def("update", &PyTrainLoop::update)
      .def("profile", &PyTrainLoop::profile)
      .def_property_readonly("batches", [](const PyTrainLoop& loop) { return py::object(loop.progress()[0]); })
      .def_property_readonly("progress", &PyTrainLoop::progress)
      .def_property_readonly("totals", &PyTrainLoop::totals)
      .def_property_readonly("gradients", &PyTrainLoop::gradients)
      .def_property_readonly("gradient_memory", &PyTrainLoop::gradient_memory)
      .def_property_readonly("outputs", &PyTrainLoop::outputs)
      .def_property_readonly("masks", &PyTrainLoop::masks)
      .def_property_readonly("over", &PyTrainLoop::over)
      .def_property_readonly("asks_python", &PyTrainLoop::asks_python)
      .def_property_readonly("exchanges", &PyTrainLoop::exchanges)
      .def_property_readonly("buckets", &PyTrainLoop::buckets)
      .def_property_readonly("due", &PyTrainLoop::due)
      .def("take_sum", &PyTrainLoop::take_sum);
}

}  // namespace gs
