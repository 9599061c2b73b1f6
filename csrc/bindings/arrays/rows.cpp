// Row-sparse gradients: their checks, and what they leave to do.
#include <algorithm>

#include "bindings/optimizers/optimizers.hpp"

namespace gs {
namespace {

/// The rows themselves; throws unless they are as RowSparse has them and in the parameter.
const std::int64_t* check_range(const py::array& rows, const Parameter& p, const std::string& name) {
  if (!(rows.flags() & py::array::c_style) || rows.ndim() != 1 || !has_dtype<std::int64_t>(rows))
    throw py::type_error(name + " must have rows and values as RowSparse makes them.");
  const std::int64_t *const first = reinterpret_cast<const std::int64_t*>(bytes(rows)), *const last =
                                                                                            first + rows.size();
  const std::int64_t* const bad = std::find_if(
      first, last, [&](std::int64_t row) { return std::uint64_t(row) >= std::uint64_t(p.layout.shape[0]); });
  if (bad != last)
    throw py::value_error(name + " has a row " + std::to_string(*bad) + "; rows must be in [0, " +
                          std::to_string(p.layout.shape[0]) + ").");
  return first;
}

}  // namespace

std::unique_ptr<RowGradient> PyOptimizer::check_rows(const Parameter& p, const py::object& shape, const py::array& rows,
                                                     const py::array& values, const std::string& label) const {
  const std::string name = noun("gradient", label);
  const Options& options = engine.options;
  const char* const against = options.average                    ? "use_ema"
                              : options.accumulate > 1           ? "gradient_accumulation_steps"
                              : options.storage != Storage::real ? "state_dtype"
                                                                 : nullptr;
  if (against)
    throw py::value_error(name + " must be dense with " + against + ", which concerns every element in every step; " +
                          "got a RowSparse. Its to_dense() makes an array.");
  if (engine.rule.measures() || engine.rule.sees_matrices())
    throw py::type_error(name + " must be dense for " + engine.rule.name +
                         ", whose steps depend on the whole array; got a RowSparse. Its to_dense() makes an array.");
  if (item_size(p.dtype) < 4)
    throw py::type_error(name + " must be dense for a parameter of " + dtype_name(p.dtype) +
                         "; row-sparse ones update float32 and float64.");
  if (p.layout.shape.empty())
    throw py::value_error(name + " must be an array: a parameter of shape () has no rows; got a RowSparse.");
  const py::array& parameter = arrays[p.number];
  if (!shape.equal(parameter.attr("shape")))
    throw py::value_error(name + " has shape " + std::string(py::str(shape)) + "; its parameter has shape " +
                          shape_text(parameter) + ".");
  const std::size_t n = std::size_t(rows.size()), columns = columns_of(p.layout);
  const std::int64_t* const first = check_range(rows, p, name);
  if (!(values.flags() & py::array::c_style) || std::size_t(values.size()) != n * columns)
    throw py::type_error(name + " must have rows and values as RowSparse makes them.");
  if (any_float_dtype(values, name) != p.dtype)
    throw py::type_error(name + " is " + std::string(py::str(values.dtype())) + "; its parameter is " +
                         dtype_name(p.dtype) + ".");
  if (overlapped(values) >= 0)
    throw py::value_error(name + " must not overlap a parameter: it would change while it is read.");
  return std::make_unique<RowGradient>(first, n, bytes(values), p.dtype, columns);
}

void PyOptimizer::flush() {
  check_idle();
  if (std::none_of(parameters.begin(), parameters.end(), [](auto& p) { return p.pending && !p.pending->empty(); }))
    return;
  const Busy busy(*this);
  for (std::size_t i = 0; i < parameters.size(); ++i)
    if (parameters[i].pending) check_unmoved(i, "[" + std::to_string(i) + "]");
  const py::gil_scoped_release release;  // safe: the arrays are held, and no step is made meanwhile
  for (const Parameter& p : parameters) gs::flush(p);
}

void PyOptimizer::flush_rows(std::size_t index, const py::array& rows) {
  check_idle();
  const Parameter& p = parameters.at(index);
  check_unmoved(index, "[" + std::to_string(index) + "]");
  if (!p.pending || p.pending->empty()) return;
  const RowGradient wanted(check_range(rows, p, "rows"), std::size_t(rows.size()), nullptr, p.dtype,
                           columns_of(p.layout));
  const Busy busy(*this);
  const py::gil_scoped_release release;
  gs::flush(p, &wanted);
}

}  // namespace gs
