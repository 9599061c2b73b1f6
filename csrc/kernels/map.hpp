// Activation loops.
#pragma once

#include <cstddef>

#include "activations/all.hpp"
#include "kernels/area.hpp"
#include "kernels/isa.hpp"

namespace gs {

/// settings: of ActivationUse; null: the defaults. x -> y, over the same area of each; y may be x. A rowwise activation
/// takes the area's rows.
using MapForward = void (*)(const double* settings, const void* x, void* y, const Area& area);
/// y, dy, and x if the activation uses its input -> dx, over the same area of each; dx may be dy.
using MapBackward = void (*)(const double* settings, const void* x, const void* y, const void* dy, void* dx,
                             const Area& area);

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
