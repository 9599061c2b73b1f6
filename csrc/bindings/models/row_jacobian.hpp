// The derivatives of outputs, row by row, as Python asks for them.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "bindings/arrays/arrays.hpp"
#include "bindings/arrays/data_set.hpp"
#include "bindings/arrays/guard.hpp"
#include "bindings/arrays/released.hpp"
#include "train/curvature/row_jacobian.hpp"

namespace gs {

template <class Real>
void find_row_jacobian(const Network<Real>& network, const std::shared_ptr<Guard>& guard, py::handle x,
                       const py::array& given_ids, std::uint32_t number, const std::vector<std::size_t>& places,
                       const py::array& to) {
  const std::vector<Inputs> from = check_x(network, x);
  const py::array ids = check_rows<std::int64_t>(given_ids, "ids", -1);
  std::size_t numbers = 0;
  for (std::size_t k = 0; k < network.outputs.size(); ++k) numbers += network.output_size(k);
  Batch batch{{}, {}, from[0].rows, reinterpret_cast<const std::int64_t*>(bytes(ids)), number};
  for (const Inputs& input : from) {
    batch.x.push_back(input.data);
    batch.sources.push_back(input.source);
  }
  const auto n = std::size_t(to.ndim() == 2 ? to.shape(1) : 0);
  if (!has_dtype<double>(to) || !(to.flags() & py::array::c_style) || n == 0 ||
      std::size_t(to.shape(0)) != batch.rows * numbers || std::size_t(ids.size()) != batch.rows)
    throw py::value_error("to must be float64, in C order, with a row for each number of each of the rows.");
  check_writable(to, "to");
  check_places(network, places, n);
  network.check_batches(batch.rows, batch.rows);
  const Hold hold(guard, network.has_externals() ? Use::change : Use::read);
  released([&] { row_jacobian(network, batch, places, n, data<double>(to)); });
}

}  // namespace gs
