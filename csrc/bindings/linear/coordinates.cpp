// Coordinate descent, for gradstep.sklearn.
#include <pybind11/pybind11.h>

#include "bindings/linear/design.hpp"
#include "bindings/module.hpp"
#include "linear/coordinates.hpp"

namespace gs {
namespace {

double* writable(const py::array& array, const char* name) {
  check_writable(array, name);
  return reinterpret_cast<double*>(bytes(array));
}

py::tuple told(const CoordinateRun& run) { return py::make_tuple(run.passes, run.gap, run.converged); }

py::tuple descend_coordinates(const py::object& g, const py::object& q, const py::object& l1, double l2, double yy,
                              bool positive, const py::object& w, std::int64_t passes, double tol, double gap,
                              bool random, std::uint32_t seed) {
  KeptArrays kept;
  const std::int64_t n = py::len(q);
  const Quadratic of{std::size_t(n),
                     reinterpret_cast<const double*>(bytes(kept.keep<double>(g, "gram", n, n))),
                     kept.vector<double>(q, "q", n),
                     kept.vector<double>(l1, "l1", n),
                     l2,
                     yy,
                     positive};
  double* const at = writable(kept.keep<double>(w, "w", -1, n), "w");
  return told(released([&] { return coordinate_descent(of, {passes, tol, gap, random, seed}, at); }));
}

template <class Real>
py::tuple descend_dual_of(const py::object& x, std::int64_t columns, const py::object& y, const py::object& upper,
                          double epsilon, double bias, const py::object& beta, const py::object& w, std::int64_t passes,
                          double tol, std::uint32_t seed) {
  KeptArrays kept;
  const std::int64_t rows = py::len(y);
  const DualProblem<Real> of{kept.design<Real>(x, rows, columns), kept.vector<double>(y, "y", rows),
                             kept.vector<double>(upper, "upper", rows), epsilon, bias};
  double* const at = writable(kept.keep<double>(beta, "beta", -1, rows), "beta");
  double* const to = writable(kept.keep<double>(w, "w", -1, columns + 1), "w");
  return told(over_design([&] { return dual_descent(of, {passes, tol, -1, true, seed}, at, to); }));
}

py::tuple descend_dual(const py::object& x, std::int64_t columns, const py::object& y, const py::object& upper,
                       double epsilon, double bias, const py::object& beta, const py::object& w, std::int64_t passes,
                       double tol, std::uint32_t seed) {
  const auto call = is_single(x) ? &descend_dual_of<float> : &descend_dual_of<double>;
  return call(x, columns, y, upper, epsilon, bias, beta, w, passes, tol, seed);
}

}  // namespace

void bind_coordinates(py::module_& m) {
  m.def("coordinate_descent", &descend_coordinates, py::arg("gram"), py::arg("q"), py::arg("l1"), py::arg("l2"),
        py::arg("yy"), py::arg("positive"), py::arg("w"), py::arg("passes"), py::arg("tol"), py::arg("gap"),
        py::arg("random"), py::arg("seed"));
  m.def("dual_descent", &descend_dual, py::arg("x"), py::arg("columns"), py::arg("y"), py::arg("upper"),
        py::arg("epsilon"), py::arg("bias"), py::arg("beta"), py::arg("w"), py::arg("passes"), py::arg("tol"),
        py::arg("seed"));
}

}  // namespace gs
