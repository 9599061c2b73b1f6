#include "train/network.hpp"

#include <cstring>
#include <utility>

namespace gs {
namespace {

std::size_t elements(const std::array<std::size_t, 2>& shape) { return shape[0] ? shape[0] * shape[1] : shape[1]; }

}  // namespace

template <class Real>
Network<Real>::Network(std::size_t inputs, std::vector<AnyLayer> given,
                       std::vector<std::vector<WeightAttributes>> attributes, std::vector<std::vector<Real*>> kept)
    : inputs(inputs), outputs(inputs), layers(std::move(given)), weights(std::move(kept)) {
  const bool own = weights.empty();
  std::size_t size = 0;
  for (const AnyLayer& any : layers)
    visit_layer(any, [&](const auto& layer) {
      for (std::size_t i = 0; i < layer.n_weights(); ++i) {
        size += own ? align<Real>(elements(layer.weights()[i])) : 0;
        work += elements(layer.weights()[i]);
      }
      outputs = layer.outputs();
      numbers += outputs;
    });
  arena_ = Buffer<Real>(size);
  std::memset(arena_.data(), 0, size * sizeof(Real));
  Real* next = arena_.data();
  for (std::size_t k = 0; own && k < layers.size(); ++k)
    visit_layer(layers[k], [&](const auto& layer) {
      weights.emplace_back();
      for (std::size_t i = 0; i < layer.n_weights(); ++i) {
        weights.back().push_back(next);
        next += align<Real>(elements(layer.weights()[i]));
      }
    });
  set_weight_attributes(std::move(attributes));
}

template <class Real> void Network<Real>::set_weight_attributes(std::vector<std::vector<WeightAttributes>> given) {
  ++version;
  given.resize(layers.size());
  attributes.assign(layers.size(), {});
  for (std::size_t k = 0; k < layers.size(); ++k) {
    given[k].resize(weights[k].size());
    visit_layer(layers[k], [&](const auto& layer) {
      for (std::size_t i = 0; i < layer.n_weights(); ++i) {
        const auto [rows, columns] = layer.weights()[i];
        given[k][i].rows = rows;
        given[k][i].columns = columns;
        attributes[k].push_back(std::make_shared<const WeightAttributes>(given[k][i]));
      }
    });
  }
}

template <class Real> double Network<Real>::penalty() const {
  double sum = 0;
  for (std::size_t k = 0; k < weights.size(); ++k)
    for (std::size_t i = 0; i < weights[k].size(); ++i)
      if (const WeightAttributes& t = *attributes[k][i]; t.trainable && t.penalty)
        sum += penalty_at<Real>(weights[k][i], t);
  return sum;
}

template <class Real> bool Network<Real>::has_statistics() const {
  for (const auto& layer : attributes)
    for (const auto& t : layer)
      if (t->is_statistic()) return true;
  return false;
}

template class Network<float>;
template class Network<double>;

}  // namespace gs
