// Jacobian-vector and Gauss-Newton products of a network, as Python sees them.
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bindings/arrays/arrays.hpp"
#include "bindings/arrays/data_set.hpp"
#include "bindings/arrays/released.hpp"
#include "train/curvature/curvature_loop.hpp"

namespace gs {

/// Directions of the weights that are trained, in the network's order; they are held while this lives.
template <class Real> class Directions {
 public:
  /// given: an array for each, of its shape, or None: it stands still; or None for all.
  Directions(const Network<Real>& network, const py::object& given) {
    weights = plain_weights(network);
    std::size_t trained = 0;
    for (const auto& layer : weights)
      for (const Weight<Real>& weight : layer) trained += weight.trainable();
    const auto all =
        each_of(given.is_none() ? py::list() : py::list(given), given.is_none() ? 0 : trained, "directions");
    held_.resize(trained);
    if (all.empty()) return;
    for (auto& layer : weights)
      for (Weight<Real>& weight : layer) {
        if (!weight.trainable() || all[weight.number].is_none()) continue;
        const std::string name = "directions[" + std::to_string(weight.number) + "]";
        const auto array = py::cast<py::array>(all[weight.number]);
        if (!has_dtype<Real>(array) || !(array.flags() & py::array::c_style))
          throw py::type_error(name + " must be of the network's dtype, in C order.");
        if (std::size_t(array.size()) != weight.attributes->size())
          throw py::value_error(name + " must have as many numbers as its weight.");
        held_[weight.number] = array;
        weight.direction = data<Real>(array);
      }
  }

  std::vector<std::vector<Weight<Real>>> weights;

 private:
  std::vector<py::array> held_;
};

/// How a pass that leaves the weights as they are holds them: statistics are written, and put back.
template <class Real> Use use_of(const Network<Real>& network) {
  return network.has_statistics() || network.has_externals() || network.batch ? Use::change : Use::read;
}

/// What moves how fast: outputs of rows x, and their directions, where the weights move along `directions` and the
/// inputs along dx, None for those that stand still.
template <class Real>
py::tuple jvp_of(const Network<Real>& network, const std::shared_ptr<Guard>& guard, const py::handle& x,
                 const py::object& given, const py::object& dx, std::uint32_t number, bool training) {
  const std::vector<Inputs> from = check_x(network, x);
  if (from[0].rows == 0) throw py::value_error("x must have at least one row.");
  network.check_batches(from[0].rows, from[0].rows);
  Directions<Real> directions(network, given);
  const auto moves = each_of(dx, network.inputs.size(), "dx");
  TangentUse use;
  use.inference = !training;
  std::vector<py::array> held;
  for (std::size_t i = 0; i < moves.size(); ++i) {
    use.inputs.push_back(!moves[i].is_none());
    if (moves[i].is_none()) {
      held.emplace_back();
      continue;
    }
    held.push_back(check_rows<Real>(moves[i], member("dx", i, moves.size()), std::int64_t(network.input_size(i))));
    if (std::size_t(held[i].shape(0)) != from[0].rows) throw py::value_error("dx must have a row for each of x.");
  }
  Data all{{}, {}, from[0].rows};
  std::vector<Source> sources;
  for (const Inputs& input : from) {
    all.x.push_back({input.data, input.source});
    sources.push_back(input.source);
  }
  const Hold hold(guard, use_of(network));
  const UpdateEpilogue none{};
  Executor<Real> executor(network, from[0].rows, Mode::tangent, {}, std::move(directions.weights), none, sources, use);
  set_all_rows(executor, network, all, number);
  for (std::size_t i = 0; i < held.size(); ++i)
    if (use.inputs[i]) std::copy_n(data<Real>(held[i]), executor.dx[i].size(), executor.dx[i].at);
  released([&] { executor.run(); });
  executor.restore_statistics();
  py::list ys, dys;
  for (std::size_t k = 0; k < network.outputs.size(); ++k) {
    const std::size_t n = network.output_size(k);
    const std::vector<std::size_t> shape{all.rows, n};
    ys.append(py::array_t<Real>(shape, executor.heads[k].outputs));
    py::array_t<Real> dy(shape);
    if (executor.dy[k])
      std::copy_n(executor.dy[k].at, all.rows * n, dy.mutable_data());
    else
      std::fill_n(dy.mutable_data(), all.rows * n, Real(0));
    dys.append(dy);
  }
  return py::make_tuple(ys, dys);
}

/// The Gauss-Newton matrix of the loss of a batch, and of the weights' penalties, times directions -> product, an array
/// for each weight that is trained.
template <class Real>
void find_gauss_newton_product(const Network<Real>& network, const std::shared_ptr<Guard>& guard,
                               const std::vector<Scoring>& scorings, const DataSet<Real>& given,
                               const py::object& directions, std::uint32_t number,
                               const std::vector<py::array>& product) {
  network.check_batches(given.rows(), given.rows());
  Directions<Real> moves(network, directions);
  const Hold hold(guard, use_of(network));
  for (auto& layer : moves.weights)
    for (auto& weight : layer)
      if (weight.trainable()) weight.gradient = data<Real>(product[weight.number]);
  const UpdateEpilogue none{};
  Executor<Real> executor(network, given.rows(), Mode::curvature, scorings, without_penalties(moves.weights), none,
                          given.sources());
  set_all_rows(executor, network, given.data(), number);
  released([&] { executor.run(); });
  executor.restore_statistics();
  for (const auto& layer : moves.weights)
    for (const Weight<Real>& weight : layer)
      for (std::size_t k = 0; weight.direction && k < weight.attributes->size(); ++k)
        weight.gradient[k] += Real(2 * weight.attributes->penalty.l2 * double(weight.direction[k]));
}

}  // namespace gs
