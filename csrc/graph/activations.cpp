#include "graph/activations.hpp"

#include <stdexcept>

#include "activations/all.hpp"

namespace gs {
namespace {

template <class F> ActivationInfo describe(int index) {
  ActivationInfo activation{F::name, index, F::rowwise, {}};
  static_assert(F::fields().size() <= ActivationUse::most);
  const F defaults{};
  for (const auto& field : F::fields()) activation.fields.push_back(info(defaults, field));
  return activation;
}

template <class... F> std::vector<ActivationInfo> describe_all(TypeList<F...>) {
  int index = 0;
  return {describe<F>(index++)...};
}

}  // namespace

const std::vector<ActivationInfo>& activations() {
  static const std::vector<ActivationInfo> all = describe_all(Activations{});
  return all;
}

const ActivationInfo& find_activation(const std::string& name) {
  std::string known;
  for (const ActivationInfo& f : activations()) {
    if (name == f.name) return f;
    known += (known.empty() ? "" : ", ") + std::string(f.name);
  }
  throw std::invalid_argument("activation must be one of " + known + "; got " + name + ".");
}

}  // namespace gs
