// Activation loops.
#pragma once

#include <cstddef>

#include "activations/all.hpp"
#include "kernels/isa.hpp"
#include "kernels/products/matrix_layout.hpp"

namespace gs {

/// settings: of ActivationUse; null: the defaults. x -> y, of the same layout; y may be x. A rowwise activation takes
/// the rows.
using MapForward = void (*)(const double* settings, const void* x, void* y, const MatrixLayout& layout);
/// y, dy, and x if the activation uses its input -> dx, of the same layout; dx may be dy.
using MapBackward = void (*)(const double* settings, const void* x, const void* y, const void* dy, void* dx,
                             const MatrixLayout& layout);

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
