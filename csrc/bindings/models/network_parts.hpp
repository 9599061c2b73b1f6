// What a network is made of, as Python says it.
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <vector>

#include "bindings/arrays/arrays.hpp"
#include "train/plan/network.hpp"

namespace gs {

/// What a network is made of; see Network.
struct Parts {
  Shapes inputs;
  std::vector<AnyLayer> layers;
  std::vector<Node> nodes;
  std::vector<std::size_t> outputs, masks;
};

/// inputs: shapes, or one number of one input's numbers. nodes: (layer, values) for a call of a layer, with a third
/// member where inputs have other shapes than in its first call: its settings for them; and (None, value, shape) for a
/// value in another shape; None: the layers in a row. outputs: values; None: the last. masks: for
/// each output a value, or None; None: there are none.
Parts parse_parts(const py::object& inputs, const std::vector<py::dict>& specs, const py::object& nodes,
                  const py::object& outputs, const py::object& masks);

/// Of the weights of each layer; the first ones, where a layer says it of no more.
std::vector<std::vector<WeightAttributes>> parse_all_attributes(const std::vector<py::dict>& specs);

/// Shapes of layers' weights, by layer.
std::vector<std::vector<std::vector<py::ssize_t>>> shapes(const std::vector<AnyLayer>& layers);
/// Of one layer, on inputs of rows of these shapes.
std::vector<std::vector<py::ssize_t>> weight_shapes_of(const std::vector<py::tuple>& inputs, const py::dict& spec);

}  // namespace gs
