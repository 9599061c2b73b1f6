// CMA-ES: its state as arrays, generations that are asked for and told, and as a method of a run.
#include <pybind11/functional.h>
#include <pybind11/stl.h>

#include <memory>
#include <optional>

#include "bindings/minimize/minimize.hpp"
#include "bindings/module.hpp"
#include "minimize/cma.hpp"

namespace gs::minimize {
namespace {

using Numbers = py::array_t<double, py::array::c_style | py::array::forcecast>;

py::array array_from(const std::vector<double>& values) {
  return py::array_t<double>(py::ssize_t(values.size()), values.data());
}
std::vector<double> numbers_of(const py::handle& given) {
  const auto numbers = py::cast<Numbers>(given);
  return {numbers.data(), numbers.data() + numbers.size()};
}

constexpr std::pair<const char*, std::vector<double> Cma::*> arrays[] = {
    {"mean", &Cma::mean},     {"C", &Cma::C},           {"B", &Cma::B},         {"D", &Cma::D},
    {"path_c", &Cma::path_c}, {"path_s", &Cma::path_s}, {"bests", &Cma::bests}, {"medians", &Cma::medians}};
constexpr std::pair<const char*, double Cma::*> reals[] = {
    {"sigma", &Cma::sigma}, {"first_sigma", &Cma::first_sigma}, {"best", &Cma::best}, {"known", &Cma::known}};
constexpr std::pair<const char*, std::int64_t Cma::*> counts[] = {{"since", &Cma::since},
                                                                  {"decomposed", &Cma::decomposed}};

class PyCma {
 public:
  PyCma(const py::handle& width, bool is_diagonal, bool bounded) : cma(numbers_of(width), is_diagonal, bounded) {}

  py::array ask(std::uint64_t key, std::uint64_t generation, const std::optional<Numbers>& lower,
                const std::optional<Numbers>& upper) {
    py::array_t<double> points({py::ssize_t(cma.size), py::ssize_t(cma.n)});
    const double *const low = lower ? lower->data() : nullptr, *const high = upper ? upper->data() : nullptr;
    cma.draw(key, generation, low, high);
    for (std::size_t i = 0; i < cma.size; ++i) cma.place(i, low, high, points.mutable_data() + i * cma.n);
    return points;
  }
  py::dict state() const {
    py::dict made;
    for (const auto& [name, member] : arrays) made[name] = array_from(cma.*member);
    for (const auto& [name, member] : reals) made[name] = cma.*member;
    for (const auto& [name, member] : counts) made[name] = cma.*member;
    made["size"] = cma.size;
    return made;
  }
  void set_state(const py::dict& state) {
    const std::size_t n = cma.n, matrix = cma.is_diagonal ? 0 : n * n;
    std::vector<std::vector<double>> read;
    for (const auto& [name, member] : arrays) read.push_back(numbers_of(state[name]));
    if (read[0].size() != n || read[1].size() != (cma.is_diagonal ? n : matrix) || read[2].size() != matrix ||
        read[3].size() != n || read[4].size() != n || read[5].size() != n)
      throw py::value_error("state must be of " + std::to_string(n) + " variables; its mean has " +
                            std::to_string(read[0].size()) + ", its C " + std::to_string(read[1].size()) + " numbers.");
    std::size_t i = 0;
    for (const auto& [name, member] : arrays) cma.*member = std::move(read[i++]);
    for (const auto& [name, member] : reals) cma.*member = state[name].cast<double>();
    for (const auto& [name, member] : counts) cma.*member = state[name].cast<std::int64_t>();
    cma.size = state["size"].cast<std::size_t>();
    cma.set_constants();
  }

  Cma cma;
};

class PyCmaMethod : public PyMethod {
 public:
  /// ended: a weak method of Python, which gives None where its object is gone.
  PyCmaMethod(std::shared_ptr<PyCma> cma, std::uint64_t key, std::vector<double> x, double fun, const py::object& ended)
      : method_(cma->cma, key), cma_(std::move(cma)) {
    method_.x = std::move(x);
    method_.fun = fun;
    method_.ended = [this, ended](const std::string& why) {
      const py::gil_scoped_acquire held;
      return ended()(why, array_from(method_.x), method_.fun, method_.generation).cast<std::string>();
    };
  }
  CmaMethod& method() override { return method_; }

 private:
  CmaMethod method_;
  const std::shared_ptr<PyCma> cma_;
};

}  // namespace
}  // namespace gs::minimize

namespace gs {

void bind_minimize_cma(py::module_& m) {
  using namespace minimize;
  py::class_<PyCma, std::shared_ptr<PyCma>>(m, "CMA")
      .def(py::init<const py::object&, bool, bool>(), py::arg("width"), py::arg("is_diagonal"), py::arg("bounded"))
      .def("begin", [](PyCma& self, const py::object& mean, double sigma, std::size_t size,
                       double known) { self.cma.begin(numbers_of(mean), sigma, size, known); })
      .def("ask", &PyCma::ask)
      .def("tell", [](PyCma& self, const py::object& values) { return self.cma.learn(numbers_of(values)); })
      .def("state", &PyCma::state)
      .def("set_state", &PyCma::set_state)
      .def_property_readonly("sigma", [](const PyCma& self) { return self.cma.sigma; })
      .def_property_readonly("best", [](const PyCma& self) { return self.cma.best; })
      .def_property_readonly("since", [](const PyCma& self) { return self.cma.since; })
      .def_property_readonly("size", [](const PyCma& self) { return self.cma.size; })
      .def(py::pickle(
          [](const PyCma& self) {
            return py::make_tuple(array_from(self.cma.width), self.cma.is_diagonal, self.cma.bounded, self.state());
          },
          [](const py::tuple& given) {
            auto made = std::make_shared<PyCma>(given[0], given[1].cast<bool>(), given[2].cast<bool>());
            made->set_state(given[3]);
            return made;
          }));
  py::class_<PyCmaMethod, PyMethod>(m, "CMAMethod")
      .def(py::init(
          [](std::shared_ptr<PyCma> cma, std::uint64_t key, const py::object& x, double fun, const py::object& ended) {
            return std::make_unique<PyCmaMethod>(std::move(cma), key, numbers_of(x), fun, ended);
          }))
      .def_property_readonly("x", [](PyCmaMethod& self) { return array_from(self.method().x); })
      .def_property_readonly("fun", [](PyCmaMethod& self) { return self.method().fun; })
      .def_property_readonly("generation", [](PyCmaMethod& self) { return self.method().generation; });
}

}  // namespace gs
