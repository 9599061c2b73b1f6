// Rows of inputs and targets as passes read them, and the weights that a loop over them trains.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "train/pass/executor.hpp"
#include "train/pass/plain_weights.hpp"

namespace gs {

/// Rows of an input in C order.
struct InputRows {
  const std::byte* at;
  Source source;
  Entries entries{};  // of sparse rows
};

/// A target for each row of an output: numbers of the network's type, or int64 labels.
struct TargetRows {
  const std::byte* at;
  std::size_t row_size;  // bytes
  // (rows), or of values of several vectors a number for each: what their losses count for, or null: 1; and whether
  // they count at all, or null: all do
  const double* weights = nullptr;
  const std::uint8_t* mask = nullptr;
};

struct Data {
  std::vector<InputRows> x;   // (input)
  std::vector<TargetRows> y;  // (output)
  std::size_t rows;
};

inline std::vector<Source> sources_of(const Data& data) {
  std::vector<Source> all;
  for (const InputRows& input : data.x) all.push_back(input.source);
  return all;
}

/// The network's weights for data: kernels over sparse inputs take their steps by rows, where nothing else is done to
/// them.
template <class Real>
std::vector<std::vector<Weight<Real>>> weights_over(const Network<Real>& network, const Data& data);

/// The inputs of a batch: row i of it is row(i) of the data.
template <class Real, class Row>
void set_inputs(Executor<Real>& executor, const Network<Real>& network, const Data& data, Row row) {
  for (std::size_t k = 0; k < data.x.size(); ++k) {
    const InputRows& x = data.x[k];
    const std::size_t size = row_size(x.source, network.input_size(k));
    if (x.source == Source::sparse) executor.set_entries(k, x.entries);
    executor.set_rows(k, [=, from = x.at](std::size_t i) { return from + row(i) * size; });
  }
}

}  // namespace gs
