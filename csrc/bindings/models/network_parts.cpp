#include "bindings/models/network_parts.hpp"

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "bindings/arrays/data.hpp"
#include "bindings/models/weight_attributes.hpp"
#include "layers/tangents.hpp"

namespace gs {
namespace {

/// What a layer asks for by name.
class Settings {
 public:
  explicit Settings(const py::dict& spec) : spec_(spec) {}

  std::size_t whole(const char* name) const {
    const auto n = spec_[name].cast<std::int64_t>();
    if (n < 1) throw py::value_error(std::string(name) + " must be 1 or more; got " + std::to_string(n) + ".");
    return std::size_t(n);
  }
  bool flag(const char* name) const { return spec_[name].cast<bool>(); }
  ActivationUse activation(const char* name) const { return parse_activation(spec_[name]); }
  double real(const char* name, double low = -inf, double high = inf) const {
    const auto value = spec_[name].cast<double>();
    if (!std::isfinite(value) || value < low || value > high)
      throw py::value_error(std::string(name) + " must be a finite number in its range; got " +
                            std::string(py::str(spec_[name])) + ".");
    return value;
  }
  std::vector<double> reals(const char* name) const {
    return spec_.contains(name) ? spec_[name].cast<std::vector<double>>() : std::vector<double>{};
  }
  /// Which of these names it is.
  std::size_t one_of(const char* name, std::initializer_list<const char*> known) const {
    const auto given = spec_[name].cast<std::string>();
    for (std::size_t i = 0; i < known.size(); ++i)
      if (given == known.begin()[i]) return i;
    throw py::value_error(std::string(name) + " is not known: " + given + ".");
  }
  void check(bool holds, const char* message) const {
    if (!holds) throw py::value_error(message);
  }
  std::uint64_t key(const char* name) const { return spec_[name].cast<std::uint64_t>(); }
  Shape shape(const char* name) const { return spec_[name].cast<Shape>(); }
  Shapes shapes(const char* name) const { return spec_[name].cast<Shapes>(); }
  Penalty penalty(const char* name) const { return parse_penalty(spec_[name].cast<py::dict>()); }
  std::vector<bool> flags(const char* name) const { return spec_[name].cast<std::vector<bool>>(); }
  std::string text(const char* name) const { return spec_[name].cast<std::string>(); }
  /// Those of a part of a layer.
  Settings part(const char* name) const { return Settings(spec_[name].cast<py::dict>()); }

 private:
  const py::dict spec_;
};

template <class... Any> AnyLayer parse_layer(const py::dict& spec, const Shapes& inputs, TypeList<Any...>) {
  const auto kind = spec["kind"].cast<std::string>();
  std::optional<AnyLayer> layer;
  ((kind == Any::name ? void(layer.emplace(Any(inputs, Settings(spec)))) : void()), ...);
  if (layer && spec.contains("in_inference")) freeze(*layer);
  if (layer) return *layer;
  std::string known;
  ((known += (known.empty() ? "" : ", ") + std::string(Any::name)), ...);
  throw py::value_error("kind must be one of " + known + "; got " + kind + ".");
}

Shape parse_shape(const py::handle& given) {
  Shape shape;
  for (const py::handle& size : given.cast<py::sequence>()) {
    const auto n = size.cast<std::int64_t>();
    if (n < 1) throw py::value_error("sizes of a shape must be 1 or more; got " + std::to_string(n) + ".");
    shape.push_back(std::size_t(n));
  }
  return shape;
}

}  // namespace

Parts parse_parts(const py::object& inputs, const std::vector<py::dict>& specs, const py::object& nodes,
                  const py::object& outputs, const py::object& masks) {
  Parts parts;
  if (py::isinstance<py::int_>(inputs))
    parts.inputs = {parse_shape(py::make_tuple(inputs))};
  else
    for (const py::handle& shape : inputs.cast<py::sequence>()) parts.inputs.push_back(parse_shape(shape));
  if (specs.empty() && nodes.is_none()) throw py::value_error("a network must have a layer; got none.");
  py::list calls;
  if (nodes.is_none())
    for (std::size_t k = 0; k < specs.size(); ++k) calls.append(py::make_tuple(k, py::make_tuple(k)));
  else
    calls = py::list(nodes);
  Shapes values = parts.inputs;
  const auto known = [&](const py::handle& given) {
    const auto value = given.cast<std::int64_t>();
    if (value < 0 || std::size_t(value) >= values.size())
      throw py::value_error("a node must read what comes before it; got " + std::to_string(value) + ".");
    return std::size_t(value);
  };
  std::vector<std::optional<AnyLayer>> layers(specs.size());
  std::vector<Shapes> shapes(specs.size());  // of each layer's inputs
  for (const py::handle& call : calls) {
    const auto given = call.cast<py::tuple>();
    Node node;
    if (given[0].is_none()) {
      node.inputs = {known(given[1])};
      node.shape = parse_shape(given[2]);
      if (size_of(node.shape) != size_of(values[node.inputs[0]]))
        throw py::value_error("a view must have as many numbers as the value that it shows.");
    } else {
      node.layer = given[0].cast<std::size_t>();
      Shapes read;
      for (const py::handle& value : given[1].cast<py::sequence>()) {
        node.inputs.push_back(known(value));
        read.push_back(values[node.inputs.back()]);
      }
      std::optional<AnyLayer>& layer = layers.at(node.layer);
      if (layer && given.size() > 2) {
        auto resized = std::make_shared<const AnyLayer>(parse_layer(given[2].cast<py::dict>(), read, Layers{}));
        if (weight_shapes(*resized) != weight_shapes(*layer) || std::holds_alternative<External>(*layer))
          throw py::value_error("a layer must have the same weights in all calls, and not be in Python.");
        node.shape = output_shape(*resized);
        node.resized = std::move(resized);
      } else {
        if (layer && read != shapes[node.layer])
          throw py::value_error("all calls of a layer must have inputs of the same shapes.");
        if (!layer) layer = parse_layer(specs[node.layer], read, Layers{});
        shapes[node.layer] = read;
        node.shape = output_shape(*layer);
      }
    }
    values.push_back(node.shape);
    parts.nodes.push_back(std::move(node));
  }
  for (const auto& layer : layers) {
    if (!layer) throw py::value_error("each layer must be called by a node.");
    parts.layers.push_back(*layer);
  }
  if (outputs.is_none())
    parts.outputs = {values.size() - 1};
  else
    for (const py::handle& value : outputs.cast<py::sequence>()) parts.outputs.push_back(known(value));
  if (!masks.is_none())
    for (const py::handle& mask : masks.cast<py::sequence>()) {
      const std::size_t output = parts.masks.size();
      parts.masks.push_back(mask.is_none() ? Network<float>::no_mask : known(mask));
      if (output >= parts.outputs.size() ||
          (!mask.is_none() && rows_of(values[parts.outputs[output]]) % size_of(values[parts.masks[output]]) != 0))
        throw py::value_error("masks must have a number for each row of their outputs.");
    }
  return parts;
}

std::vector<std::vector<WeightAttributes>> parse_all_attributes(const std::vector<py::dict>& specs) {
  std::vector<std::vector<WeightAttributes>> all(specs.size());
  for (std::size_t k = 0; k < specs.size(); ++k)
    if (specs[k].contains("weights"))
      for (const py::handle& weight : specs[k]["weights"]) all[k].push_back(parse_weight_attributes(weight));
  return all;
}

std::vector<std::vector<std::vector<py::ssize_t>>> shapes(const std::vector<AnyLayer>& layers) {
  std::vector<std::vector<std::vector<py::ssize_t>>> all;
  for (const AnyLayer& layer : layers) {
    all.emplace_back();
    for (const Shape& weight : weight_shapes(layer)) all.back().emplace_back(weight.begin(), weight.end());
  }
  return all;
}

std::vector<std::vector<py::ssize_t>> weight_shapes_of(const std::vector<py::tuple>& inputs, const py::dict& spec) {
  Shapes known;
  for (const py::tuple& shape : inputs) known.push_back(parse_shape(shape));
  return shapes({parse_layer(spec, known, Layers{})})[0];
}

}  // namespace gs
