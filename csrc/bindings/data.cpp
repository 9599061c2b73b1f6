#include "bindings/data.hpp"

#include <set>

#include "engine/activations.hpp"
#include "engine/fields.hpp"

namespace gs {

Inputs check_inputs(py::handle x, const std::string& name, std::size_t columns) {
  const py::array array = as_array(x, name);
  const auto as = [&](Source source, const py::array& rows) {
    return Inputs{rows, source, std::size_t(rows.shape(0))};
  };
  if (has_dtype<std::uint8_t>(array)) return as(Source::u8, check_rows<std::uint8_t>(x, name, std::int64_t(columns)));
  if (has_dtype<double>(array)) return as(Source::f64, check_rows<double>(x, name, std::int64_t(columns)));
  return as(Source::f32, check_rows<float>(x, name, std::int64_t(columns)));
}

Targets check_targets(py::handle y, const std::string& name, bool labels, Dtype dtype, std::size_t n) {
  if (!labels) {
    const auto columns = std::int64_t(n);
    py::array array = dtype == Dtype::f32 ? check_rows<float>(y, name, columns) : check_rows<double>(y, name, columns);
    return {array, bytes(array), n * item_size(dtype), std::size_t(array.shape(0))};
  }
  py::array array = check_rows<std::int64_t>(y, name, -1);
  const auto* label = reinterpret_cast<const std::int64_t*>(bytes(array));
  for (py::ssize_t i = 0; i < array.shape(0); ++i)
    if (label[i] < 0 || label[i] >= std::int64_t(n))
      throw py::value_error(name + "[" + std::to_string(i) + "] is " + std::to_string(label[i]) +
                            "; labels must be in [0, " + std::to_string(n) + "), one for each output.");
  return {array, bytes(array), sizeof(std::int64_t), std::size_t(array.shape(0))};
}

ActivationUse parse_activation(const py::handle& given) {
  ActivationUse use;
  if (py::isinstance<py::str>(given)) {
    const ActivationInfo& f = find_activation(given.cast<std::string>());
    for (std::size_t i = 0; i < f.fields.size(); ++i) use.settings[i] = f.fields[i].start;
    use.index = f.index;
    return use;
  }
  const auto settings = given.cast<py::dict>();
  const ActivationInfo& f = find_activation(settings["kind"].cast<std::string>());
  use.index = f.index;
  std::set<std::string> known{"kind"};
  for (std::size_t i = 0; i < f.fields.size(); ++i) {
    const FieldInfo& field = f.fields[i];
    use.settings[i] = settings.contains(field.name) ? settings[field.name].cast<double>() : field.start;
    check_field(field, use.settings[i]);
    known.insert(field.name);
  }
  for (const auto& item : settings)
    if (const auto name = item.first.cast<std::string>(); !known.count(name))
      throw py::type_error(std::string(f.name) + " has no setting " + name + ".");
  return use;
}

}  // namespace gs
