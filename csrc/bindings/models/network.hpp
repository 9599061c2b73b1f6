// Networks as Python sees them: one class over the templates for float and double.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "bindings/models/curvature_loop.hpp"
#include "bindings/models/forward_backward.hpp"
#include "bindings/models/train_loop.hpp"
#include "runtime/guard.hpp"
#include "train/plan/network.hpp"

namespace gs {

using AnyNetwork = std::variant<const Network<float>*, const Network<double>*>;

class PyNetwork {
 public:
  virtual ~PyNetwork() = default;
  virtual AnyNetwork network() const = 0;
  virtual const std::shared_ptr<Guard>& guard() const = 0;
  virtual std::vector<std::size_t> outputs() const = 0;
  virtual py::list parameters(py::handle self) const = 0;
  virtual std::size_t predict(py::handle x, py::handle out, std::int64_t batch_size, std::int64_t begin,
                              double seconds) const = 0;
  virtual double penalty() const = 0;
  virtual std::size_t numbers() const = 0;
  virtual std::vector<bool> masked() const = 0;
  virtual std::vector<bool> takes_sparse() const = 0;
  virtual std::size_t batch() const = 0;
  virtual std::vector<std::vector<bool>> trained() const = 0;
  virtual py::list dense_weights() const = 0;
  virtual void set_weight_attributes(const std::vector<std::vector<py::object>>& weights) = 0;
  /// How many `value_and_grad` made.
  virtual std::size_t passes() const = 0;
  virtual py::tuple value_and_grad(const py::object& loss, py::handle x, py::handle y, std::uint32_t number,
                                   const py::object& weights, const py::object& mask, bool dx) const = 0;
  virtual void row_jacobian(py::handle x, const py::array& ids, std::uint32_t number,
                            const std::vector<std::size_t>& places, const py::array& to) const = 0;
  virtual py::tuple jvp(py::handle x, const py::object& directions, const py::object& dx, std::uint32_t number,
                        bool training) const = 0;
  virtual py::list gauss_newton_product(const py::object& loss, py::handle x, py::handle y,
                                        const py::object& directions, std::uint32_t number, const py::object& weights,
                                        const py::object& mask) const = 0;
  virtual std::unique_ptr<PyCurvatureLoop> curvature(py::object self, const py::object& loss, py::handle x,
                                                     py::handle y, std::size_t chunk,
                                                     const std::vector<std::size_t>& places, const py::object& weights,
                                                     const py::object& mask) const = 0;
  virtual std::unique_ptr<PyTrainLoop> run(py::object self, const py::object& loss, const py::object& metrics,
                                           bool outputs, py::handle x, py::handle y, std::size_t batch_size,
                                           std::unique_ptr<PyStepper> stepper, bool gradients,
                                           const py::object& weights, const py::object& mask, bool in_shards) const = 0;
  virtual std::unique_ptr<PyForwardBackward> forward_backward(py::object self) const = 0;
};

}  // namespace gs
