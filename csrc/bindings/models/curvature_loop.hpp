// Gauss-Newton products over many rows as Python sees them: over the template for float and double.
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "bindings/arrays/arrays.hpp"
#include "bindings/arrays/data_set.hpp"
#include "bindings/arrays/guard.hpp"
#include "bindings/arrays/released.hpp"
#include "train/curvature/curvature_loop.hpp"

namespace gs {

class PyCurvatureLoop {
 public:
  virtual ~PyCurvatureLoop() = default;
  virtual void start(const std::optional<py::array>& v, const py::array& sum, const std::optional<py::array>& ids,
                     std::uint32_t number) = 0;
  virtual bool advance(double seconds) = 0;
};

template <class Real> class TypedCurvatureLoop : public PyCurvatureLoop {
 public:
  TypedCurvatureLoop(py::object owner, std::shared_ptr<Guard> guard, const Network<Real>& network,
                     std::vector<Scoring> scorings, DataSet<Real> data, std::size_t chunk,
                     const std::vector<std::size_t>& places)
      : owner_(std::move(owner)),
        guard_(std::move(guard)),
        version_(network.version),
        network_(network),
        data_(std::move(data)),
        size_(size_of_all(network, places)),
        loop_(network, std::move(scorings), data_.data(), chunk, places) {}

  void start(const std::optional<py::array>& v, const py::array& sum, const std::optional<py::array>& ids,
             std::uint32_t number) override {
    if (v) check(*v, "v");
    check(sum, "sum");
    check_writable(sum, "sum");
    std::vector<std::int64_t> rows;
    if (ids) {
      const py::array given = check_rows<std::int64_t>(*ids, "ids", -1);
      if (std::size_t(given.size()) != data_.rows()) throw py::value_error("ids must have a number for each row of x.");
      rows.assign(data<std::int64_t>(given), data<std::int64_t>(given) + given.size());
    }
    const Hold hold(guard_, Use::change);
    v_ = v ? py::object(*v) : py::none();
    sum_ = sum;
    loop_.start(v ? data<double>(*v) : nullptr, data<double>(sum), std::move(rows), number);
  }

  bool advance(double seconds) override {
    if (version_ != network_.version)
      throw std::runtime_error("the network's weight attributes have changed since this was made; make another one.");
    const Hold hold(guard_, Use::change);
    return released([&] { return loop_.advance(seconds); });
  }

 private:
  static std::size_t size_of_all(const Network<Real>& network, const std::vector<std::size_t>& places) {
    std::size_t size = 0, count = 0;
    for (const auto& layer : plain_weights(network))
      for (const Weight<Real>& weight : layer)
        if (weight.trainable()) {
          if (count == places.size()) throw py::value_error("places must have one for each trained weight.");
          size = std::max(size, places[count++] + weight.attributes->size());
        }
    if (count != places.size()) throw py::value_error("places must have one for each trained weight.");
    return size;
  }
  void check(const py::array& array, const char* name) const {
    const bool is_vector = array.ndim() == 1 && (array.flags() & py::array::c_style);
    if (!has_dtype<double>(array) || !is_vector || std::size_t(array.size()) != size_)
      throw py::type_error(std::string(name) + " must be a vector of " + std::to_string(size_) + " float64 numbers.");
  }

  const py::object owner_;  // the network
  const std::shared_ptr<Guard> guard_;
  const std::size_t version_;
  const Network<Real>& network_;
  const DataSet<Real> data_;
  const std::size_t size_;
  CurvatureLoop<Real> loop_;
  py::object v_ = py::none(), sum_ = py::none();  // held while a pass reads and writes them
};

}  // namespace gs
