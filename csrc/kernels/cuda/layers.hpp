// What a network does on a GPU around its products: rows of a data set, biases with activations, dropout. All is queued
// on the default stream; nothing waits for it. Matrices are in C order, of float or double (`real`), on the device.
#pragma once

#include <cstddef>
#include <cstdint>

#include "activations/all.hpp"
#include "core/dtype.hpp"
#include "kernels/cuda/device.hpp"
#include "kernels/layers/drop.hpp"
#include "kernels/products/indirection.hpp"

namespace gs {

/// x, rows of n numbers, of which ids (rows) says which: -> y (rows, n).
DeviceError device_gather(Dtype real, const void* x, Source source, const std::int64_t* ids, std::size_t rows,
                          std::size_t n, void* y) noexcept;
/// x (n) -> y = scale x + offset; y may be x.
DeviceError device_rescale(Dtype real, const void* x, double scale, double offset, std::size_t n, void* y) noexcept;
DeviceError device_ones(Dtype real, std::size_t n, void* y) noexcept;

/// Whether the derivative of an activation reads its input, which then must be kept.
bool device_uses_input(const ActivationUse& activation) noexcept;
/// x (rows, n), bias (n) or null -> z = x + bias, y = f(z); z null: it is not kept. y may be x.
DeviceError device_activate(Dtype real, const ActivationUse& activation, const void* x, const void* bias,
                            std::size_t rows, std::size_t n, void* z, void* y) noexcept;
/// z if the activation uses its input, y, dy (rows, n) -> dz, in place of dy.
DeviceError device_activation_grad(Dtype real, const ActivationUse& activation, const void* z, const void* y,
                                   std::size_t rows, std::size_t n, void* dy) noexcept;

/// x (rows, n), ids (rows) -> y, as Drop; y may be x.
DeviceError device_drop(Dtype real, const void* x, std::size_t rows, std::size_t n, const std::int64_t* ids,
                        const Draw& draw, void* y) noexcept;

}  // namespace gs
