// Activation loops.
#pragma once

#include <cstddef>

#include "kernels/isa.hpp"
#include "layers/activation.hpp"

namespace gs {

/// x (n) -> y (n); y may be x. Of a rowwise activation n is the row's length.
using MapForward = void (*)(const void* x, void* y, std::size_t n);
/// y (n), dy (n), and x (n) if the activation uses its input -> dx (n); dx may be dy.
using MapBackward = void (*)(const void* x, const void* y, const void* dy, void* dx, std::size_t n);

struct MapTable {
  struct Row {
    const char* name;
    bool rowwise, uses_input;
    MapForward forward[2];  // [dtype]
    MapBackward backward[2];
  } of[Activations::size];
};

template <class Isa> const MapTable& map_table() noexcept;

}  // namespace gs
