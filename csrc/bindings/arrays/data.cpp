#include "bindings/arrays/data.hpp"

#include <algorithm>
#include <set>

#include "bindings/optimizers/fields.hpp"
#include "graph/activations.hpp"

namespace gs {

Inputs check_inputs(py::handle x, const std::string& name, std::size_t columns) {
  const py::array array = as_array(x, name);
  py::object flat;  // rows of any shape as rows of numbers
  if (array.ndim() > 2 && array.flags() & py::array::c_style &&
      std::size_t(array.size()) == std::size_t(array.shape(0)) * columns) {
    flat = array.attr("reshape")(array.shape(0), columns);
    x = flat;
  }
  const auto as = [&](Source source, const py::array& rows) {
    return Inputs{rows, source, std::size_t(rows.shape(0)), bytes(rows)};
  };
  if (has_dtype<std::uint8_t>(array)) return as(Source::u8, check_rows<std::uint8_t>(x, name, std::int64_t(columns)));
  if (has_dtype<std::int32_t>(array)) return as(Source::i32, check_rows<std::int32_t>(x, name, std::int64_t(columns)));
  if (has_dtype<std::int64_t>(array)) return as(Source::i64, check_rows<std::int64_t>(x, name, std::int64_t(columns)));
  if (has_dtype<double>(array)) return as(Source::f64, check_rows<double>(x, name, std::int64_t(columns)));
  return as(Source::f32, check_rows<float>(x, name, std::int64_t(columns)));
}

Inputs check_sparse_inputs(py::handle x, const std::string& name, std::size_t columns, Dtype dtype) {
  const py::tuple parts = x.attr("csr");
  if (parts.size() != 3) throw py::value_error(name + ".csr must be (values, columns, starts).");
  const py::array values = dtype == Dtype::f32 ? check_rows<float>(parts[0], name + ".csr[0]", -1)
                                               : check_rows<double>(parts[0], name + ".csr[0]", -1);
  const py::array where = check_rows<std::int32_t>(parts[1], name + ".csr[1]", -1);
  const py::array starts = check_rows<std::int64_t>(parts[2], name + ".csr[2]", -1);
  if (where.shape(0) != values.shape(0)) throw py::value_error(name + " must have a column for each value.");
  if (starts.shape(0) < 1) throw py::value_error(name + " must have the numbers of the first entries.");
  const auto* const column = reinterpret_cast<const std::int32_t*>(bytes(where));
  const auto* const first = reinterpret_cast<const std::int64_t*>(bytes(starts));
  const auto rows = std::size_t(starts.shape(0)) - 1;
  bool fits = first[0] >= 0 && first[rows] <= values.shape(0) && std::is_sorted(first, first + rows + 1);
  for (py::ssize_t k = 0; k < where.shape(0); ++k) fits &= std::uint32_t(column[k]) < columns;
  if (!fits)
    throw py::value_error(name + " must have entries in columns [0, " + std::to_string(columns) +
                          "), row by row; they are not, or changed.");
  Inputs found{starts, Source::sparse, rows, bytes(starts)};
  found.entries = {column, bytes(values), values.shape(0)};
  found.held = {values, where, pinned(values), pinned(where)};
  return found;
}

namespace {

template <class T> std::size_t first_bad(const std::byte* data, std::size_t n, std::size_t limit) {
  const T* const ids = reinterpret_cast<const T*>(data);
  for (std::size_t i = 0; i < n; ++i)
    if (!(double(ids[i]) > -1 && double(ids[i]) < double(limit))) return i;
  return n;
}

}  // namespace

void check_ids(const Inputs& inputs, const std::string& name, std::size_t columns, std::size_t limit) {
  const auto find = inputs.source == Source::f32   ? &first_bad<float>
                    : inputs.source == Source::f64 ? &first_bad<double>
                    : inputs.source == Source::u8  ? &first_bad<std::uint8_t>
                    : inputs.source == Source::i32 ? &first_bad<std::int32_t>
                                                   : &first_bad<std::int64_t>;
  const std::size_t n = inputs.rows * columns, bad = find(inputs.data, n, limit);
  if (bad == n) return;
  const py::object flat = inputs.array.attr("reshape")(-1);
  throw py::value_error(name + " must hold ids in [0, " + std::to_string(limit) + "), the rows of the embedding; row " +
                        std::to_string(bad / columns) + " has " + std::string(py::str(flat[py::int_(bad)])) + ".");
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
