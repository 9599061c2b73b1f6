#include "bindings/data.hpp"

#include <stdexcept>

#include "engine/dispatch.hpp"

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

int find_activation(const std::string& name) {
  std::string known;
  int index = 0;
  for (const auto& row : kernels().map.of) {
    if (name == row.name) return index;
    known += (index++ ? ", " : "") + std::string(row.name);
  }
  throw std::invalid_argument("activation must be one of " + known + "; got " + name + ".");
}

}  // namespace gs
