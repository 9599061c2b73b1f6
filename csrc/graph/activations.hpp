// The activations of activations/all.hpp with their types erased.
#pragma once

#include <string>
#include <vector>

#include "core/field_info.hpp"

namespace gs {

struct ActivationInfo {
  const char* name;
  int index;  // in Activations
  bool rowwise;
  std::vector<FieldInfo> fields;
};

const std::vector<ActivationInfo>& activations();
/// Throws std::invalid_argument if there is none of that name.
const ActivationInfo& find_activation(const std::string& name);

}  // namespace gs
