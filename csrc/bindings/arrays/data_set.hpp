// The data of a network as Python gives them: an array for an input or output, or a list of one for each.
#pragma once

#include <pybind11/pybind11.h>

#include <string>
#include <utility>
#include <vector>

#include "bindings/arrays/arrays.hpp"
#include "bindings/arrays/data.hpp"
#include "bindings/models/scoring.hpp"
#include "train/loop/train_loop.hpp"
#include "train/plan/network.hpp"

namespace gs {

template <class Real> Real* data(const py::array& array) { return reinterpret_cast<Real*>(bytes(array)); }

template <class Real> constexpr Dtype real_dtype() { return sizeof(Real) == 4 ? Dtype::f32 : Dtype::f64; }

/// What is given for each of `count`: the members of a list or tuple, or the one object.
inline std::vector<py::object> each_of(const py::handle& given, std::size_t count, const char* name) {
  if (!py::isinstance<py::list>(given) && !py::isinstance<py::tuple>(given)) {
    if (given.is_none()) return std::vector<py::object>(count, py::none());
    if (count == 1) return {py::reinterpret_borrow<py::object>(given)};
    throw py::type_error(std::string(name) + " must be a list of " + std::to_string(count) + ".");
  }
  std::vector<py::object> all;
  for (const py::handle& one : given) all.push_back(py::reinterpret_borrow<py::object>(one));
  if (all.size() != count)
    throw py::value_error(std::string(name) + " must have " + std::to_string(count) + " members; it has " +
                          std::to_string(all.size()) + ".");
  return all;
}

/// How one of several is called in an error.
inline std::string member(const std::string& name, std::size_t i, std::size_t count) {
  return count == 1 ? name : name + "[" + std::to_string(i) + "]";
}

/// Of each of `count` outputs: its loss, and the names of its metrics; in lists, or of the one output alone.
inline std::vector<Scoring> parse_scorings(std::size_t count, const py::object& loss, const py::object& metrics,
                                           bool outputs) {
  const auto losses = each_of(loss, count, "loss");
  std::vector<py::object> names(count, py::tuple());
  if (!metrics.is_none())
    names = py::isinstance<py::list>(loss) ? each_of(metrics, count, "metrics") : std::vector<py::object>{metrics};
  std::vector<Scoring> all;
  for (std::size_t k = 0; k < count; ++k) {
    all.push_back(parse_scoring(losses[k], names[k].cast<std::vector<std::string>>()));
    all.back().outputs = outputs;
  }
  return all;
}

/// Rows of each input, as many. sparse: whether they may be sparse, where the network takes that.
template <class Real>
std::vector<Inputs> check_x(const Network<Real>& network, const py::handle& x, bool sparse = false) {
  const std::size_t count = network.inputs.size();
  std::vector<Inputs> all;
  for (const py::object& one : each_of(x, count, "x")) {
    const std::size_t i = all.size();
    const std::string name = member("x", i, count);
    if (sparse && !py::isinstance<py::array>(one) && py::hasattr(one, "csr")) {
      if (!network.takes_sparse(i)) throw py::value_error(name + " must be dense for this model.");
      all.push_back(check_sparse_inputs(one, name, network.input_size(i), real_dtype<Real>()));
    } else {
      all.push_back(check_inputs(one, name, network.input_size(i)));
    }
    if (network.id_limits[i] > 0) check_ids(all[i], member("x", i, count), network.input_size(i), network.id_limits[i]);
    if (all[i].rows != all[0].rows)
      throw py::value_error("all inputs must have the same number of rows; got " + std::to_string(all[0].rows) +
                            " and " + std::to_string(all[i].rows) + ".");
  }
  return all;
}

/// Where each trained weight begins in vectors of n numbers that have them all.
template <class Real>
void check_places(const Network<Real>& network, const std::vector<std::size_t>& places, std::size_t n) {
  std::size_t count = 0;
  for (const auto& layer : plain_weights(network))
    for (const Weight<Real>& weight : layer) {
      if (!weight.trainable()) continue;
      const bool fits = weight.number < places.size() && places[weight.number] <= n &&
                        weight.attributes->size() <= n - places[weight.number];
      if (!fits)
        throw py::value_error("places must be where each trained weight lies among " + std::to_string(n) + ".");
      ++count;
    }
  if (count != places.size()) throw py::value_error("places must have one for each trained weight.");
}

/// Inputs, targets and what rows count for; they are held while this lives.
template <class Real> class DataSet {
 public:
  DataSet(const Network<Real>& network, const std::vector<Scoring>& scorings, const py::handle& x, const py::handle& y,
          const py::object& weights, const py::object& mask, bool sparse = false)
      : x_(check_x(network, x, sparse)) {
    const std::size_t count = scorings.size();
    const auto targets = each_of(y, count, "y"), factors = each_of(weights, count, "weights"),
               masks = each_of(mask, count, "mask");
    for (std::size_t k = 0; k < count; ++k) {
      const Scoring& scoring = scorings[k];
      if (targets[k].is_none() && !scoring.loss.info && scoring.metrics.empty())
        y_.push_back({py::none(), nullptr, 0, rows(), py::none()});
      else
        y_.push_back(check_targets(targets[k], member("y", k, count), scoring, real_dtype<Real>(),
                                   network.shape(network.outputs[k])));
      if (rows() == 0 || y_.back().rows != rows())
        throw py::value_error("x and y must have the same number of rows, at least one; got " + std::to_string(rows()) +
                              " and " + std::to_string(y_.back().rows) + ".");
      counts_.emplace_back(factors[k], masks[k], rows() * rows_of(network.shape(network.outputs[k])));
    }
  }

  std::size_t rows() const { return x_[0].rows; }
  Data data() const {
    Data all{{}, {}, rows()};
    for (const Inputs& input : x_) all.x.push_back({input.data, input.source, input.entries});
    for (std::size_t k = 0; k < y_.size(); ++k)
      all.y.push_back({y_[k].data, y_[k].row_size, counts_[k].weights_data(), counts_[k].mask_data()});
    return all;
  }
  std::vector<Source> sources() const {
    std::vector<Source> all;
    for (const Inputs& input : x_) all.push_back(input.source);
    return all;
  }

  /// Lets go of the arrays; what is of no rows is left.
  void release() {
    for (Inputs& input : x_) input = {py::none(), input.source, 0, nullptr, py::none(), {}, {}};
    for (Targets& target : y_) target = {py::none(), nullptr, target.row_size, 0, py::none()};
    for (RowWeights& counts : counts_) counts = RowWeights(py::none(), py::none(), 0);
  }

 private:
  std::vector<Inputs> x_;
  std::vector<Targets> y_;
  std::vector<RowWeights> counts_;
};

}  // namespace gs
