// Forward and backward passes as Python sees them: over the template for float and double.
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bindings/arrays/arrays.hpp"
#include "bindings/arrays/data_set.hpp"
#include "bindings/arrays/guard.hpp"
#include "bindings/arrays/released.hpp"
#include "train/pass/forward_backward.hpp"

namespace gs {

class PyForwardBackward {
 public:
  virtual ~PyForwardBackward() = default;
  virtual py::object forward(py::handle x, bool training, std::uint32_t number, const py::object& ids, bool dx) = 0;
  virtual py::object backward(py::handle dy) = 0;
  virtual py::list gradients() const = 0;
  /// How many forward passes in training were made.
  virtual std::size_t passes() const = 0;
};

template <class Real> class TypedForwardBackward : public PyForwardBackward {
 public:
  TypedForwardBackward(py::object owner, std::shared_ptr<Guard> guard, const Network<Real>& network,
                       std::vector<py::array> gradients)
      : owner_(std::move(owner)),
        guard_(std::move(guard)),
        network_(network),
        gradients_(std::move(gradients)),
        forward_backward_(network, places(gradients_)) {}

  py::object forward(py::handle given, bool training, std::uint32_t number, const py::object& ids, bool dx) override {
    const Hold hold(guard_, Use::change);
    check_usable();
    std::vector<Inputs> x = check_x(network_, given);
    if (x[0].rows == 0) throw py::value_error("x must have at least one row.");
    network_.check_batches(x[0].rows, x[0].rows);
    Batch batch{{}, {}, x[0].rows, nullptr, number};
    for (const Inputs& input : x) {
      batch.x.push_back(input.data);
      batch.sources.push_back(input.source);
    }
    std::optional<py::array> rows;
    if (!ids.is_none()) {
      rows = check_rows<std::int64_t>(ids, "ids", -1);
      if (std::size_t(rows->size()) != batch.rows) throw py::value_error("ids must have a number for each row of x.");
      batch.ids = reinterpret_cast<const std::int64_t*>(bytes(*rows));
    }
    const Mode mode = !training ? Mode::predict : dx ? Mode::gradient : Mode::train;
    const Executor<Real>& executor = alone([&]() -> Executor<Real>& { return forward_backward_.forward(batch, mode); });
    if (training) {
      ++passes_;
      x_ = std::move(x);  // backward reads it
    }
    py::list outputs;
    for (std::size_t k = 0; k < executor.heads.size(); ++k)
      outputs.append(copy(executor.heads[k].outputs, executor.batch, network_.output_size(k)));
    return one_or_all(outputs);
  }

  py::object backward(py::handle given) override {
    const Hold hold(guard_, Use::change);
    check_usable();
    Executor<Real>* const executor = forward_backward_.last();
    if (!executor) throw std::runtime_error("backward must follow forward in training, once.");
    const auto dys = each_of(given, executor->heads.size(), "dy");
    std::vector<py::array> checked;
    for (std::size_t k = 0; k < dys.size(); ++k) {
      if (dys[k].is_none()) {
        checked.emplace_back();
        continue;
      }
      checked.push_back(check_rows<Real>(dys[k], member("dy", k, dys.size()), std::int64_t(network_.output_size(k))));
      if (std::size_t(checked[k].shape(0)) != executor->batch)
        throw py::value_error("dy must have a row for each of x; it has " + std::to_string(checked[k].shape(0)) +
                              ", x had " + std::to_string(executor->batch) + ".");
    }
    for (std::size_t k = 0; k < dys.size(); ++k) {
      Real* const to = executor->heads[k].dy;
      const std::size_t size = executor->batch * network_.output_size(k);
      if (!to) continue;
      if (dys[k].is_none())
        std::fill_n(to, size, Real(0));
      else
        std::copy_n(reinterpret_cast<const Real*>(bytes(checked[k])), size, to);
    }
    alone([&]() -> Executor<Real>& { return forward_backward_.backward(); });
    x_.clear();
    py::list dxs;
    for (const Matrix<Real>& dx : executor->dx)
      dxs.append(dx ? py::object(copy(dx.at, dx.rows, dx.columns)) : py::none());
    return one_or_all(dxs);
  }

  std::size_t passes() const override { return passes_; }

  py::list gradients() const override {
    py::list all;
    for (const py::array& gradient : gradients_) all.append(gradient);
    return all;
  }

 private:
  // Without the interpreter's lock, which is safe: the arrays and the network are held, and this is marked as in use.
  template <class Work> Executor<Real>& alone(Work work) {
    busy_ = true;
    const struct Idle {
      bool& busy;
      ~Idle() { busy = false; }
    } idle{busy_};
    return *released([&] { return &work(); });
  }

  void check_usable() const {
    if (busy_) throw std::runtime_error("this network's forward and backward passes are in use on another thread.");
    if (!forward_backward_.current())
      throw std::runtime_error("the network's weight attributes have changed since this was made; make another one.");
  }

  static py::object one_or_all(const py::list& all) { return all.size() == 1 ? py::object(all[0]) : py::object(all); }

  static py::array copy(const Real* from, std::size_t rows, std::size_t columns) {
    return py::array_t<Real>({py::ssize_t(rows), py::ssize_t(columns)}, from);
  }

  static std::vector<Real*> places(const std::vector<py::array>& arrays) {
    std::vector<Real*> all;
    for (const py::array& array : arrays) all.push_back(reinterpret_cast<Real*>(bytes(array)));
    return all;
  }

  const py::object owner_;  // the network
  const std::shared_ptr<Guard> guard_;
  const Network<Real>& network_;
  const std::vector<py::array> gradients_;
  std::vector<Inputs> x_;
  ForwardBackward<Real> forward_backward_;
  bool busy_ = false;
  std::size_t passes_ = 0;
};

}  // namespace gs
