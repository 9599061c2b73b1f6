// Functions in machine code, and many small problems.
#include "bindings/minimize/minimize.hpp"

#include <pybind11/stl.h>

#include "bindings/arrays/released.hpp"
#include "bindings/module.hpp"
#include "minimize/many.hpp"

namespace gs::minimize {
namespace {

using Numbers = py::array_t<double, py::array::c_style | py::array::forcecast>;

/// f(x) and its gradient.
py::tuple call(const PyCode& self, const Numbers& x) {
  const auto n = std::size_t(x.size());
  py::array_t<double> g(std::vector<py::ssize_t>(x.shape(), x.shape() + x.ndim()));
  std::vector<float> single(self.code.is_single ? 2 * n : 0);
  double* const to = g.mutable_data();
  const double f = released([&] { return self.code(n, x.data(), to, single.data()); });
  return py::make_tuple(f, g);
}

/// Values at points (P, n), by so many threads.
py::array values(const PyCode& self, const Numbers& points, int threads) {
  if (points.ndim() != 2) throw py::value_error("points must have shape (P, n); got " + shape_text(points) + ".");
  const auto count = std::size_t(points.shape(0)), n = std::size_t(points.shape(1));
  py::array_t<double> found{py::ssize_t(count)};
  double* const to = found.mutable_data();
  const double* const from = points.data();
  const auto part = [&](std::size_t begin, std::size_t end) {
    std::vector<float> single(self.code.is_single ? 2 * n : 0);
    std::vector<double> gradient(self.code.always_fills ? n : 0);
    double* const g = gradient.empty() ? nullptr : gradient.data();
    for (std::size_t i = begin; i < end; ++i) to[i] = self.code(n, from + i * n, g, single.data());
  };
  released([&] {
    if (threads <= 1 || count < 2) return part(0, count);
    const std::size_t parts = std::min(count, std::size_t(threads) * 4);
    ThreadTeam::run(std::min(threads, int(count)), [&](ThreadTeam& team) {
      team.stage(parts, [&](std::size_t i, int) { part(count * i / parts, count * (i + 1) / parts); });
    });
  });
  return found;
}

/// The pointers to the data of each row; none without data.
struct RowData {
  explicit RowData(const py::object& data) {
    if (data.is_none()) return;
    const py::array rows = data;
    at = bytes(rows);
    stride = std::size_t(rows.strides(0));
  }
  const std::byte* at = nullptr;
  std::size_t stride = 0;
};

/// Values (k,) and gradients (k, n) at points (k, n) of some rows, each with its data.
py::tuple gradients(const PyCode& self, const Numbers& points, const py::array_t<std::int64_t>& rows,
                    const py::object& data) {
  const auto count = std::size_t(points.shape(0)), n = std::size_t(points.shape(1));
  py::array_t<double> f{py::ssize_t(count)}, g({py::ssize_t(count), py::ssize_t(n)});
  double *const to = f.mutable_data(), *const slopes = g.mutable_data();
  const double* const from = points.data();
  const std::int64_t* const which = rows.data();
  const RowData own(data);
  constexpr std::size_t chunk = 64;
  const std::size_t chunks = (count + chunk - 1) / chunk;
  released([&] {
    ThreadTeam::run(threads_for(chunks), [&](ThreadTeam& team) {
      team.stage(chunks, [&](std::size_t part, int) {
        MachineCode code = self.code;
        std::vector<float> single(code.is_single ? 2 * n : 0);
        for (std::size_t i = part * chunk; i < std::min(count, (part + 1) * chunk); ++i) {
          if (own.at) code.user = const_cast<std::byte*>(own.at + std::size_t(which[i]) * own.stride);
          to[i] = code(n, from + i * n, slopes + i * n, single.data());
        }
      });
    });
  });
  return py::make_tuple(f, g);
}

/// The address, the context and the name of a capsule.
py::tuple open_capsule(const py::object& capsule) {
  const char* const name = PyCapsule_GetName(capsule.ptr());
  if (!name && PyErr_Occurred()) throw py::error_already_set();
  void* const address = PyCapsule_GetPointer(capsule.ptr(), name);
  if (!address) throw py::error_already_set();
  void* const context = PyCapsule_GetContext(capsule.ptr());
  if (!context && PyErr_Occurred()) throw py::error_already_set();
  return py::make_tuple(reinterpret_cast<std::uintptr_t>(address), reinterpret_cast<std::uintptr_t>(context),
                        std::string(name ? name : ""));
}

// -- many problems ----

std::unique_ptr<Many> many(const Numbers& x, std::size_t pairs, double gtol, std::int64_t maxiter, double eps,
                           bool is_single) {
  if (x.ndim() != 2) throw py::value_error("x0 must have shape (K, n); got " + shape_text(x) + ".");
  return std::make_unique<Many>(std::size_t(x.shape(0)), std::size_t(x.shape(1)), x.data(),
                                Many::Settings{pairs, gtol, maxiter, eps, is_single});
}

py::array ask(const Many& self) {
  py::array_t<double> points({py::ssize_t(self.rows().size()), py::ssize_t(self.n)});
  self.ask(points.mutable_data());
  return points;
}

void tell(Many& self, const Numbers& f, const Numbers& g) {
  if (std::size_t(f.size()) != self.rows().size() || std::size_t(g.size()) != self.rows().size() * self.n)
    throw py::value_error("tell needs a value and a gradient for each point of the last ask().");
  const double *const values = f.data(), *const gradients = g.data();
  released([&] { self.tell(values, gradients); });
}

void solve(Many& self, const PyCode& code, const py::object& data) {
  const RowData own(data);
  released([&] { self.solve(code.code, own.at, own.stride); });
}

template <class T> py::array array_like(const std::vector<T>& all, std::vector<py::ssize_t> shape) {
  return py::array_t<T>(std::move(shape), all.data());
}

/// x (K, n), f (K,), g (K, n), decrease, first, nit, nfev (K,) each, and the reasons' positions.
py::tuple found(const Many& self) {
  const auto count = py::ssize_t(self.count), n = py::ssize_t(self.n);
  std::vector<std::int64_t> ended;
  for (const Ended one : self.ended) ended.push_back(std::int64_t(one));
  return py::make_tuple(array_like(self.x, {count, n}), array_like(self.f, {count}), array_like(self.g, {count, n}),
                        array_like(self.decrease, {count}), array_like(self.first, {count}),
                        array_like(self.nit, {count}), array_like(self.nfev, {count}), array_like(ended, {count}));
}

}  // namespace
}  // namespace gs::minimize

namespace gs {

void bind_machine_code(py::module_& m) {
  using namespace minimize;
  py::class_<PyCode>(m, "MachineCode")
      .def(py::init<std::uintptr_t, std::uintptr_t, bool, bool, py::object>(), py::arg("address"), py::arg("user"),
           py::arg("is_single"), py::arg("always_fills"), py::arg("owner"))
      .def_property_readonly("is_single", [](const PyCode& self) { return self.code.is_single; })
      .def("__call__", &call, py::arg("x"))
      .def("values", &values, py::arg("points"), py::arg("threads") = 1)
      .def("gradients", &gradients, py::arg("points"), py::arg("rows"), py::arg("data"));
  m.def("open_capsule", &open_capsule, py::arg("capsule"));
  py::class_<Many>(m, "Many")
      .def(py::init(&many), py::arg("x"), py::arg("pairs"), py::arg("gtol"), py::arg("maxiter"), py::arg("eps"),
           py::arg("is_single"))
      .def_property_readonly(
          "rows", [](const Many& self) { return array_like(self.rows(), {py::ssize_t(self.rows().size())}); })
      .def("ask", &ask)
      .def("tell", &tell, py::arg("f"), py::arg("g"))
      .def("solve", &solve, py::arg("code"), py::arg("data"))
      .def("found", &found);
  m.attr("REASONS") = std::vector<std::string>(std::begin(reasons), std::end(reasons));
}

}  // namespace gs
